#!/usr/bin/env bash
# The base image by digest: a tag may be moved to another image, a digest cannot.
# Asks the registry for the digest of the Dockerfile's tag and writes it behind the tag; needs docker and a network.
# With --check only says whether the Dockerfile names one.
set -euo pipefail
cd "$(dirname "$0")/.."

from=$(awk '/^FROM / { print $2; exit }' Dockerfile)
if [ "${1:-}" = "--check" ]; then
  [[ "$from" =~ @sha256:[0-9a-f]{64}$ ]] || echo "  not by digest: $from; run scripts/image.sh where its registry can be reached"
  exit
fi

image=${from%%@*}
digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}')
[[ "$digest" =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "the registry names no digest for $image" >&2; exit 1; }
sed -i.old "s|^FROM .*|FROM $image@$digest|" Dockerfile
rm -f Dockerfile.old
echo "$image is $digest"
