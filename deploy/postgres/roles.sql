-- Otklik's three roles; run once by an administrator on the database that Otklik publishes to:
--     psql "$ADMIN_URL" --set ON_ERROR_STOP=1 --file deploy/postgres/roles.sql
-- Then give login roles of your own to them, with passwords that stay out of files:
--     create role centre_load login in role otklik_loader;   \password centre_load
--
--   otklik_owner   makes and alters tables (`otklik postgres prepare`), after an upgrade of the platform
--   otklik_loader  changes rows (every run of the street)
--   otklik_reader  selects from marts; BI tools and analysts

do $$
declare
  role_name text;
begin
  foreach role_name in array array['otklik_owner', 'otklik_loader', 'otklik_reader'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin', role_name);
    end if;
  end loop;
  execute format('revoke all on database %I from public', current_database());
  execute format('grant create, connect on database %I to otklik_owner', current_database());
  execute format('grant connect on database %I to otklik_loader, otklik_reader', current_database());
end
$$;
revoke create on schema public from public;
