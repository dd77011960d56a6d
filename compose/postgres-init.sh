#!/bin/sh
# Makes three databases apart, each with an owner of its own; the server's entry point runs it once, on an empty volume.
set -eu

# These passwords stand in URLs and JSON: another character would be read as part of those.
for variable in AIRFLOW_DB_PASSWORD MLFLOW_DB_PASSWORD DATAOPS_DB_PASSWORD; do
    if printenv "$variable" | grep -q '[^A-Za-z0-9._~-]'; then
        echo "error: $variable has a character that is neither a letter, a digit nor one of . _ ~ -" >&2
        echo "hint: change it in .env, then remove the empty volume: docker-compose down --volumes" >&2
        exit 1
    fi
done

make_database() {
    # The password comes from the environment, not from the command line, where `ps` would show it.
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --set=name="$1" --set=variable="$2" <<'SQL'
\getenv password :variable
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database airflow AIRFLOW_DB_PASSWORD
make_database mlflow MLFLOW_DB_PASSWORD
make_database dataops DATAOPS_DB_PASSWORD
