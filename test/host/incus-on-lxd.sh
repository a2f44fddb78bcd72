#!/bin/sh
# `incus` for tests that run against LXD 5.0: the same words for the client `lxc`, where that has others.
# `lxc` knows no variable for the project.
run() {
  if [ -z "${INCUS_PROJECT:-}" ] || [ "$1" = query ]; then exec lxc "$@"; fi
  exec lxc --project "$INCUS_PROJECT" "$@"
}

case "$1 ${2:-} ${3:-}" in
  'snapshot create '*) shift 2; run snapshot "$@" ;;
  'snapshot restore '*) shift 2; run restore "$@" ;;
  'snapshot delete '*) instance=$3 snapshot=$4; shift 4; run delete "$instance/$snapshot" "$@" ;;
  'snapshot rename '*) instance=$3 from=$4 to=$5; shift 5; run move "$instance/$from" "$instance/$to" "$@" ;;
  'snapshot show '*) instance=$3 snapshot=$4; shift 4; run config show "$instance/$snapshot" "$@" ;;
  'storage volume snapshot')
    command=$4
    shift 4
    case $command in
      create) run storage volume snapshot "$@" ;;
      restore) run storage volume restore "$@" ;;
      delete) pool=$1 volume=$2 snapshot=$3; shift 3; run storage volume delete "$pool" "$volume/$snapshot" "$@" ;;
      rename) pool=$1 volume=$2 from=$3 to=$4; shift 4; run storage volume rename "$pool" "$volume/$from" "$volume/$to" "$@" ;;
    esac
    ;;
  'resume '*) shift; run start "$@" ;;
esac
# Properties: `config get|set INSTANCE --property …`.
if [ "$1 ${4:-}" = 'config --property' ]; then
  instance=$3
  project=${INCUS_PROJECT:-default}
  [ "${6:-}" != --project ] || project=$7
  case $2 in
    get) run list --project "$project" "^$instance\$" --columns d --format csv ;;
    set)
      key=${5%%=*} value=${5#*=}
      case $value in true | false) ;; *) value="\"$value\"" ;; esac
      exec lxc query -X PATCH -d "{\"$key\": $value}" "/1.0/instances/$instance?project=$project"
      ;;
  esac
fi
run "$@"
