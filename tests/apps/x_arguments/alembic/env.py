from sqlalchemy import create_engine

from alembic import context

import models

tenant = context.get_x_argument(as_dictionary=True).get("tenant")
if not tenant:
    raise SystemExit("name a tenant: -x tenant=NAME")
assert context.config.cmd_opts.x == [f"tenant={tenant}"]

print(f"env.py is run for {tenant}, by {getattr(context.config.cmd_opts, 'cmd', None)}")
url = f"sqlite:///{tenant}.db"

if context.is_offline_mode():
    context.configure(url=url, target_metadata=models.Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url).connect() as connection:
        context.configure(connection=connection, target_metadata=models.Base.metadata)
        with context.begin_transaction():
            context.run_migrations()
