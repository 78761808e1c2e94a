#!/bin/sh
# Makes or updates Temporal's own tables, in two databases beside ours. Runs in temporalio/admin-tools.
set -eu
SQL_PASSWORD=$(cat /run/secrets/database-password)
export SQL_PASSWORD

tool() { # database, command and its options
  database=$1; shift
  temporal-sql-tool --plugin "$DB" --ep "$POSTGRES_SEEDS" -p "$DB_PORT" -u "$POSTGRES_USER" --db "$database" "$@"
}

for pair in temporal:temporal temporal_visibility:visibility; do
  name=${pair%%:*}
  tool "$name" create # says so and goes on when the database is there already
  # refuses when the version table is there already; the update after it then decides
  tool "$name" setup-schema -v 0.0 || echo "$name: first tables not made; there already?"
  tool "$name" update-schema -d "/etc/temporal/schema/postgresql/v12/${pair##*:}/versioned"
done
