"""What is studied when a release is made, by side: tables of a release beside its figures.

They are of whole sides and at least a hundred people, coarsely rounded, and hold no answers of single posts: that is
worked out from published figures when somebody asks.
"""

from app.workflow.studying.asked import NOTED
from app.workflow.studying.matter import Matter, Studies, studied_with
from app.workflow.studying.sound import GROUPINGS
from app.workflow.studying.together import study

__all__ = ["GROUPINGS", "NOTED", "Matter", "Studies", "studied_with", "study"]
