"""Running a coroutine to its end from sync code, wherever that code was called from."""

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
Main = Callable[[], Coroutine[Any, Any, T]]


def run_coroutine(main: Main[T]) -> T:
    """Run `main()` on a new event loop: here, or in a thread when this thread's loop is already running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(main)
    return _run_in_thread(main)


def _run(main: Main[T]) -> T:
    # on Windows, psycopg cannot use the default event loop
    factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        try:
            return runner.run(main())
        except KeyboardInterrupt:
            # the work is cancelled next; what it raises on its way out, the loop would print with its traceback
            runner.get_loop().set_exception_handler(lambda _loop, _context: None)
            raise


def _run_in_thread(main: Main[T]) -> T:
    """As `_run`, in a thread. A Ctrl-C cancels the work there and waits until it has rolled back."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = Future()

    async def announced() -> T:
        task = asyncio.current_task()
        assert task is not None
        started.set_result((asyncio.get_running_loop(), task))
        return await main()

    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="oppmigrate") as pool:
        outcome = pool.submit(context.run, lambda: _run(announced))
        try:
            return outcome.result()
        except (KeyboardInterrupt, SystemExit):
            if not outcome.done():
                loop, task = started.result()
                with suppress(RuntimeError):  # the loop ended meanwhile
                    loop.call_soon_threadsafe(task.cancel)
            raise
