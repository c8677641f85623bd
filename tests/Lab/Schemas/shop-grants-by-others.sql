-- Privileges to write that somebody else than the owner granted: the owner can neither revoke them alone nor give them back as they were.
SET ROLE {{credential}};
GRANT INSERT, UPDATE, DELETE ON shop.sessions TO {{reader}};
GRANT INSERT ON shop.page_views TO PUBLIC;
RESET ROLE;
