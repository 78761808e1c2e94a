"""What people and provinces can do, one module each; routers and pages call these."""
