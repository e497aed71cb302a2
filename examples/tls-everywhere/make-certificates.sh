#!/bin/sh
# Makes an authority and, signed by it, a certificate for the servers and one for a client, all for a try: keys are not
# encrypted, and everything is void after thirty days. Into the folder given, or this one.
set -eu
cd "${1:-.}"

new_key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"

openssl req -x509 $new_key -subj "/CN=An authority for a try" -keyout ca-key.pem -out ca.pem

# A server is a client, too, when it dials another one: then its certificate must be good for both.
openssl req -x509 $new_key -subj "/CN=server" -CA ca.pem -CAkey ca-key.pem \
    -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -addext "basicConstraints=critical,CA:FALSE" \
    -addext "extendedKeyUsage=serverAuth,clientAuth" -keyout server-key.pem -out server-cert.pem

openssl req -x509 $new_key -subj "/CN=client" -CA ca.pem -CAkey ca-key.pem \
    -addext "basicConstraints=critical,CA:FALSE" \
    -addext "extendedKeyUsage=clientAuth" -keyout client-key.pem -out client-cert.pem
