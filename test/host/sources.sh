# shellcheck shell=bash
# What the machine's own apt sources say about Debian. Sourced by host.sh.
# apt itself reads both formats of its sources; only Signed-By has to be looked up in the file it names.

added_source=/etc/apt/sources.list.d/incus-guard-test.sources
default_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# One line an enabled Debian suite: URI|release|label|components|file:entry
debian_suites() {
  apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(LABEL)|$(COMPONENT)|$(SOURCESENTRY)' \
    'Created-By: Packages' 'Origin: Debian' |
    awk -F'|' -v ours="$added_source:" '
      index($5, ours) == 1 { next }
      { key = $1 "|" $2 "|" $3 }
      !(key in entry) { order[++n] = key; entry[key] = $5 }
      !seen[key, $4]++ { components[key] = components[key] (components[key] ? " " : "") $4 }
      END { for (i = 1; i <= n; i++) print order[i] "|" components[order[i]] "|" entry[order[i]] }'
}

# The lists of apt, when none were fetched yet (a fresh machine, a container image).
require_suites() {
  [ -z "$(debian_suites)" ] || return 0
  say "fetching the package lists"
  apt-get update -qq >&2 || fail "apt-get update failed: this machine's apt sources cannot be reached"
  [ -n "$(debian_suites)" ] || fail "no Debian suite in this machine's apt sources: this works on Debian, bookworm or later"
}

machine_codename() {
  # shellcheck disable=SC1091
  (. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-sid}")
}

# The line of the machine's base suite, which sources may call by codename or by an alias.
base_suite() {
  local codename
  codename=$(machine_codename)
  debian_suites | awk -F'|' -v codename="$codename" '
    $3 == "Debian" && $2 !~ /-(updates|backports|proposed-updates|security)$/ && $4 ~ /(^| )main( |$)/ {
      if (!any) any = $0
      if ($2 == codename) { print; found = 1; exit }
    }
    END { if (!found && any) print any }'
}

# A mirror list in a file (as cloud images have it) to the first mirror in it.
plain_uri() {
  case $1 in
    mirror+file:*)
      local file=${1#mirror+file:}
      file=${file%/}
      grep -m1 -oE '^[a-z]+:[^[:space:]]+' "$file" || fail "no mirror in $file, which apt's sources name"
      ;;
    *) printf '%s\n' "$1" ;;
  esac
}

# signed_by FILE:ENTRY → the keyring's path. A key written into the source itself counts as Debian's own keyring.
signed_by() {
  local file=${1%:*} entry=${1##*:} found
  case $file in
    *.sources)
      # apt counts stanzas from 1, or from 0 in newer versions: the file's first keyring is right in either.
      found=$(sed -n 's/^[Ss]igned-[Bb]y:[[:space:]]*\(\/[^[:space:]]*\).*/\1/p' "$file" | head -n1)
      ;;
    *) found=$(sed -n "${entry}s/.*[Ss]igned-[Bb]y=\\([^] ]*\\).*/\\1/p" "$file") ;;
  esac
  printf '%s\n' "${found:-$default_keyring}"
}

# deb822_source URI SUITES COMPONENTS KEYRING
deb822_source() {
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n\n' "$1" "$2" "$3" "$4"
}

# The machine's Debian sources as they are for SUITE: base, updates and security, where the machine has them.
sources_for_suite() {
  local suite=$1 base uri release label components entry
  base=$(base_suite | cut -d'|' -f2)
  debian_suites | while IFS='|' read -r uri release label components entry; do
    case $label/$release in
      *-proposed-updates | *-backports | *-backports-sloppy) continue ;;
      Debian/"$base" | Debian/"$base"-updates | Debian-Security/"$base"-security) ;;
      *) continue ;;
    esac
    # sid has no updates and no security suites.
    [ "$suite/$release" = "$suite/$base" ] || case $suite in sid | unstable) continue ;; esac
    deb822_source "$(plain_uri "$uri")" "$suite${release#"$base"}" "$components" "$(signed_by "$entry")"
  done
}
