# shellcheck shell=bash
# Images made by debootstrap, kept in the cache as metadata and squashfs, imported into hosts. Sourced by host.sh.

image_alias() {
  if [ "$1" = "$(machine_codename)" ]; then printf 'guard-debian\n'; else printf 'guard-debian-%s\n' "$1"; fi
}

# Another release, other sources or another way of making it are another image.
image_key() {
  {
    printf '%s\n' "$1"
    cat "$here/image-inside.sh" "$here/sources.sh"
    find /etc/apt/sources.list /etc/apt/sources.list.d -type f ! -path "$added_source" -exec cat {} + 2>/dev/null || true
  } | sha256sum | cut -c1-12
}

image_stem() { printf '%s/%s-%s-%s\n' "$cache_root" "$(image_alias "$1")" "$(dpkg --print-architecture)" "$(image_key "$1")"; }

# ensure_image SUITE: in the cache; the work of one, waited for by others.
ensure_image() {
  local suite=$1 stem
  stem=$(image_stem "$suite")
  mkdir -p "$cache_root"
  exec 8>"$cache_root/.lock"
  flock 8
  if [ ! -e "$stem.ready" ]; then
    build_image "$suite" "$stem"
  elif [ -n "$(find "$stem.ready" -mtime "+${GUARD_TEST_IMAGE_DAYS:-14}")" ]; then
    # Its package lists name versions that the mirror may have replaced by now.
    (build_image "$suite" "$stem") || say "going on with the older image"
  fi
  exec 8>&-
}

build_image() {
  local suite=$1 stem=$2 build base uri keyring
  require_suites
  say "making the image $(image_alias "$suite"): about a minute"
  rm -rf --one-file-system "$cache_root"/build.*
  build=$(mktemp -d "$cache_root/build.XXXXXX")
  base=$(base_suite)
  uri=$(plain_uri "${base%%|*}")
  keyring=$(signed_by "${base##*|}")
  sources_for_suite "$suite" >"$build/debian.sources"
  # Mounts made on the way are made in a namespace that ends with it.
  unshare --mount --propagation private env \
    http_proxy="$(machine_proxy http "${http_proxy:-}")" https_proxy="$(machine_proxy https "${https_proxy:-}")" \
    bash "$here/image-inside.sh" "$build" "$suite" "$uri" "$keyring" >"$cache_root/build.log" 2>&1 </dev/null 9>&- 8>&- || {
    rm -rf --one-file-system "$build"
    fail "making the image for $suite failed; see $cache_root/build.log: $(grep -E '^(E:|W: Failure)' "$cache_root/build.log" | tail -n1)"
  }
  rm -f "$cache_root/$(image_alias "$suite")-$(dpkg --print-architecture)"-*
  mv "$build/metadata.tar" "$stem.tar"
  mv "$build/rootfs.squashfs" "$stem.squashfs"
  # Incus calls a split image by the sum of both parts.
  cat "$stem.tar" "$stem.squashfs" | sha256sum | cut -d' ' -f1 >"$stem.ready"
  rm -rf --one-file-system "$build"
}

# import_image SUITE: into the host, under its alias, which goes from the older image to the newer in one moment.
import_image() {
  local suite=$1 alias stem fingerprint old
  alias=$(image_alias "$suite")
  ensure_image "$suite"
  stem=$(image_stem "$suite")
  fingerprint=$(cat "$stem.ready")
  old=$(on_host incus image alias list --format csv | awk -F, -v alias="$alias" '$1 == alias { print $2 }')
  case $fingerprint in "${old:-none}"*) return 0 ;; esac
  on_host incus image info "$fingerprint" >/dev/null 2>&1 || on_host incus image import "$stem.tar" "$stem.squashfs" >/dev/null
  [ -z "$old" ] || on_host incus image alias delete "$alias"
  on_host incus image alias create "$alias" "$fingerprint" >/dev/null
  [ -z "$old" ] || on_host incus image delete "$old"
}
