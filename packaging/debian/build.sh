#!/usr/bin/env bash
# Builds a Debian package from what has been built before:
#   build.sh guard        DIST OUT   for all architectures, from the folder dist/ of the npm package; needs nodejs
#   build.sh guard-static FILE OUT   from the single executable; needs no Node
# ARCHITECTURE (of guard-static, amd64), COMPRESSION (xz), DEBIAN_VERSION (of package.json) and SOURCE_DATE_EPOCH (of the last commit) can be set.
set -euo pipefail
export LC_ALL=C.UTF-8
umask 022

project=$(cd "$(dirname "$0")/../.." && pwd)
here=$project/packaging/debian
name=$1 program=$(realpath "$2") out=$(realpath "$3")

# A prerelease comes before its release: 1.0.0-rc.1 is 1.0.0~rc.1 here.
version=${DEBIAN_VERSION:-$(node -p "require('$project/package.json').version.replace('-', '~')")}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$project" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"

main() {
  case $name in
    guard) architecture=all; put_bundles ;;
    guard-static) architecture=${ARCHITECTURE:-amd64}; put_executable ;;
    *) echo "build.sh: there is no package $name" >&2; exit 64 ;;
  esac
  put_manuals
  put_completions
  put_units
  put 644 "$here/guard.yaml" etc/guard/guard.yaml
  put 644 "$project/schema/guard.schema.json" usr/share/guard/schema/guard.schema.json
  put_documents
  put_control
  find "$tree" -depth -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  # One thread: how xz cuts its blocks depends on how many there are.
  dpkg-deb --root-owner-group --threads-max=1 "-Z${COMPRESSION:-xz}" --build "$tree" "$out/${name}_${version}_$architecture.deb"
}

put() { install -D -m "$1" "$2" "$tree/$3"; }

put_bundles() {
  local file
  for file in "$program"/{program,libraries}-*.cjs*; do put 644 "$file" "usr/share/guard/dist/$(basename "$file")"; done
  # Debian's own Node, whatever else is first in somebody's PATH.
  sed '1s,.*,#!/usr/bin/node,' "$program/guard.cjs" | install -D -m 755 /dev/stdin "$tree/usr/share/guard/dist/guard.cjs"
  mkdir -p "$tree/usr/bin" "$tree/usr/share/guard/hooks"
  ln -s ../share/guard/dist/guard.cjs "$tree/usr/bin/guard"
  cp -r "$project/hooks/." "$tree/usr/share/guard/hooks"
  rm -r "$tree/usr/share/guard/hooks/systemd"
  find "$tree/usr/share/guard/hooks" -type d -exec chmod 755 {} + -o -perm /111 -exec chmod 755 {} + -o -exec chmod 644 {} +
}

put_executable() {
  put 755 "$program" usr/bin/guard
  put 644 "$(dirname "$program")/NODE-LICENSE.txt" "usr/share/doc/$name/node.txt"
}

put_manuals() {
  local page section
  for page in "$project"/man/*.[15]; do
    section=${page##*.}
    put 644 "$page" "usr/share/man/man$section/$(basename "$page")"
    gzip -9n "$tree/usr/share/man/man$section/$(basename "$page")"
  done
}

put_completions() {
  local shell path
  while read -r shell path; do
    node "$project/dist/guard.cjs" completion "$shell" | install -D -m 644 /dev/stdin "$tree/usr/share/$path"
  done <<'EOF'
bash bash-completion/completions/guard
zsh zsh/vendor-completions/_guard
fish fish/vendor_completions.d/guard.fish
EOF
}

put_units() {
  local unit
  for unit in "$project"/hooks/systemd/*; do
    # What is said there of installing it by hand is done here.
    sed -e 's,/usr/bin/env guard,/usr/bin/guard,' -e '/^# Install: cp /d' "$unit" |
      install -D -m 644 /dev/stdin "$tree/usr/lib/systemd/system/$(basename "$unit")"
  done
}

put_documents() {
  local documents=$tree/usr/share/doc/$name
  mkdir -p "$documents"
  put 644 "$here/copyright" "usr/share/doc/$name/copyright"
  put 644 "$project/dist/THIRD-PARTY-LICENSES.txt" "usr/share/doc/$name/third-party.txt"
  node "$here/changelog.mjs" "$name" "$version" "$SOURCE_DATE_EPOCH" | gzip -9n >"$documents/changelog.gz"
  put 644 "$project/README.md" "usr/share/doc/$name/README.md"
  if [ -e "$here/$name.lintian-overrides" ]; then
    put 644 "$here/$name.lintian-overrides" "usr/share/lintian/overrides/$name"
  fi
  chmod 644 "$documents"/*
}

put_control() {
  local script
  mkdir -p "$tree/DEBIAN"
  echo /etc/guard/guard.yaml >"$tree/DEBIAN/conffiles"
  for script in postinst prerm postrm; do install -m 755 "$here/$script" "$tree/DEBIAN/$script"; done
  sed -e "s/@version@/$version/" -e "s/@architecture@/$architecture/" -e "s/@size@/$(size_in_kib)/" \
    "$here/$name.control" >"$tree/DEBIAN/control"
  (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
}

# As dpkg-gencontrol counts: files rounded up, everything else one.
size_in_kib() {
  (cd "$tree" && find . -path ./DEBIAN -prune -o -printf '%y %s\n') |
    awk '{ total += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print total }'
}

main
