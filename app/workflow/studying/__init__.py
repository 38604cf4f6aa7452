"""What is studied when a release is made, by side: tables of a release beside its figures.

They are of whole sides and at least a hundred people, coarsely rounded, and hold nothing of single posts: that is
worked out from published figures when somebody asks.
"""

from app.workflow.studying.sound import GROUPINGS, Studies, study

__all__ = ["GROUPINGS", "Studies", "study"]
