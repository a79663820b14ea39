"""The tables of the control plane's database. A table is added here, in a revision under migrations/, and nowhere else."""

from control_api.models.access import Api, AuthSession, Dept, LoginAttempt, Menu, Role, RoleRight, User, UserRole
from control_api.models.fleet import Node, NodeCredential
from control_api.models.ingest import IngestBatch
from control_api.models.keywords import Keyword, KeywordRun
from control_api.models.records import AuditLog, IpUpload
from control_api.models.tokens import Token, TokenEvent

__all__ = [
    "Api",
    "AuditLog",
    "AuthSession",
    "Dept",
    "IngestBatch",
    "IpUpload",
    "Keyword",
    "KeywordRun",
    "LoginAttempt",
    "Menu",
    "Node",
    "NodeCredential",
    "Role",
    "RoleRight",
    "Token",
    "TokenEvent",
    "User",
    "UserRole",
]
