# shellcheck shell=bash
# Images made by debootstrap, kept in the cache as metadata and squashfs, imported into hosts. Sourced by host.sh.

image_days=${GUARD_TEST_IMAGE_DAYS:-14}

# An image is named by its release and its init: `bookworm`, or `bookworm openrc`.
image_alias() {
  local kind=debian
  [ "${2:-systemd}" = systemd ] || kind=$2
  if [ "$1" = "$(machine_codename)" ]; then printf 'guard-%s\n' "$kind"; else printf 'guard-%s-%s\n' "$kind" "$1"; fi
}

# Another release, other sources or another way of making it are another image.
image_key() {
  {
    printf '%s\n' "$@"
    cat "$here/image-inside.sh" "$here/sources.sh"
    find /etc/apt/sources.list /etc/apt/sources.list.d -type f ! -path "$added_source" -exec cat {} + 2>/dev/null || true
  } | sha256sum | cut -c1-12
}

image_stem() { printf '%s/%s-%s-%s\n' "$cache_root" "$(image_alias "$@")" "$(dpkg --print-architecture)" "$(image_key "$@")"; }

# ensure_image SUITE [INIT]: in the cache; the work of one, waited for by others.
ensure_image() {
  local stem
  stem=$(image_stem "$@")
  ! image_is_fresh "$stem" || return 0
  mkdir -p "$cache_root"
  exec 8>"$cache_root/.lock"
  flock -n 8 || { say "waiting for another image to be made"; flock 8; }
  if [ ! -e "$stem.ready" ]; then
    build_image "$stem" "$@"
  elif ! image_is_fresh "$stem"; then
    (build_image "$stem" "$@") || say "going on with the older image"
  fi
  exec 8>&-
}

# The package lists of an older one name versions that the mirror may have replaced by now.
image_is_fresh() { [ -n "$(find "$1.ready" -mtime "-$image_days" 2>/dev/null || true)" ]; }

build_image() {
  local stem=$1 suite=$2 init=${3:-systemd} alias build base uri keyring
  alias=$(image_alias "$suite" "$init")
  require_suites
  say "making the image $alias: about a minute"
  rm -rf --one-file-system "$cache_root"/build.*
  build=$(mktemp -d "$cache_root/build.XXXXXX")
  base=$(base_suite)
  uri=$(plain_uri "${base%%|*}")
  keyring=$(signed_by "${base##*|}")
  sources_for_suite "$suite" >"$build/debian.sources"
  # Its index expires after a week, and a mirror may be older than that.
  [ "$suite" != sid ] || sed -i 's/^Suites: .*/&\nCheck-Valid-Until: no/' "$build/debian.sources"
  # Mounts made on the way are made in a namespace that ends with it.
  unshare --mount --propagation private env \
    http_proxy="$(machine_proxy http "${http_proxy:-}")" https_proxy="$(machine_proxy https "${https_proxy:-}")" \
    bash "$here/image-inside.sh" "$build" "$init" "$suite" "$uri" "$keyring" >"$cache_root/build.log" 2>&1 </dev/null 7>&- 8>&- 9>&- || {
    rm -rf --one-file-system "$build"
    fail "making the image $alias failed; see $cache_root/build.log: $(grep -E '^(E:|W: Failure)' "$cache_root/build.log" | tail -n1)"
  }
  # Younger ones may be those of another checkout.
  find "$cache_root" -name "$alias-$(dpkg --print-architecture)-*" -mtime "+$image_days" -delete
  mv "$build/metadata.tar" "$stem.tar"
  mv "$build/rootfs.squashfs" "$stem.squashfs"
  # Incus calls a split image by the sum of both parts.
  cat "$stem.tar" "$stem.squashfs" | sha256sum | cut -d' ' -f1 >"$stem.ready"
  rm -rf --one-file-system "$build"
}

# import_image SUITE [INIT]: into the host, under its alias, which goes from the older image to the newer in one moment.
import_image() {
  local alias stem fingerprint old
  alias=$(image_alias "$@")
  ensure_image "$@"
  stem=$(image_stem "$@")
  fingerprint=$(cat "$stem.ready")
  old=$(on_host incus image alias list --format csv | awk -F, -v alias="$alias" '$1 == alias { print $2 }')
  case $fingerprint in "${old:-none}"*) return 0 ;; esac
  on_host incus image info "$fingerprint" >/dev/null 2>&1 || on_host incus image import "$stem.tar" "$stem.squashfs" >/dev/null
  [ -z "$old" ] || on_host incus image alias delete "$alias"
  on_host incus image alias create "$alias" "$fingerprint" >/dev/null
  [ -z "$old" ] || on_host incus image delete "$old"
}
