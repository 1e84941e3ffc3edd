#!/bin/sh
# Make the secrets that are missing, once, in the folder secrets beside docker-compose.yml (or the one given).
# The folder is its owner's alone; the files can be read inside the containers, each by those that it is given to.
set -eu
folder=${1:-$(dirname "$0")/../secrets}
umask 077
mkdir -p "$folder"
for name in postgres_password owner_password app_password secret_key; do
    [ -s "$folder/$name" ] && continue
    # 48 random characters of an alphabet that no address and no shell has to quote.
    LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom 2>/dev/null | head -c 48 >"$folder/$name"
    chmod 0444 "$folder/$name"
    echo "made $name"
done
# Not made but given, by an OpenID provider; empty where there is none.
if [ ! -e "$folder/oidc_client_secret" ]; then
    : >"$folder/oidc_client_secret"
    chmod 0444 "$folder/oidc_client_secret"
fi
