"""The everyday command with nothing to do, answered before anything heavy is imported; or not answered at all."""

from oppmigrate.fastlane.answering import answer

__all__ = ["answer"]
