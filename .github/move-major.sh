#!/usr/bin/env bash
# Moves the tag vX to the commit of the tag vX.Y.Z, by fast-forward only: an older version, or a commit that does not stand on where vX is, is refused.
# usage: move-major vX.Y.Z     in a checkout with all tags; GH_TOKEN may push
set -euo pipefail
version=$1
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "$version is no version"; exit 2; }
major=${version%%.*}
commit=$(git rev-parse --verify "refs/tags/$version^{commit}")
before=$(git rev-parse --verify --quiet "refs/tags/$major^{commit}" || true)
if [ -n "$before" ] && ! git merge-base --is-ancestor "$before" "$commit"; then
  echo "$major is at $before, which $version does not contain: it stays there"
  exit 1
fi
remote=${MOVE_MAJOR_REMOTE:-"https://x-access-token:$GH_TOKEN@github.com/$GITHUB_REPOSITORY.git"}
# The lease: nobody has moved it since it was read.
git push "$remote" "$commit:refs/tags/$major" --force-with-lease="refs/tags/$major:$(git rev-parse --verify --quiet "refs/tags/$major" || true)"
