-- Who may do what. Everything belongs to the role that runs the migrations; the application
-- connects as cj_app (or as a member of it), owns nothing and can change no definition.

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'cj_app') THEN
        RETURN;
    END IF;
    CREATE ROLE cj_app NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- roles are shared by all databases of a server: another one was quicker
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role cj_app is missing and % may not create it', current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'As an administrator: CREATE ROLE cj_app LOGIN PASSWORD ...';
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cj_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cj_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO cj_app;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO cj_app;

-- What was applied is for everybody to see and for the owner to write.
REVOKE ALL ON schema_migrations FROM PUBLIC, cj_app;
GRANT SELECT ON schema_migrations TO cj_app;
