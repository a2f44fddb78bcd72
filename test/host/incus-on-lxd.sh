#!/bin/sh
# `incus` for tests that run against LXD 5.0: the same words for the client `lxc`, where that has others.
case "$1 ${2:-} ${3:-}" in
  'snapshot create '*) shift 2; exec lxc snapshot "$@" ;;
  'snapshot restore '*) shift 2; exec lxc restore "$@" ;;
  'snapshot delete '*) instance=$3 snapshot=$4; shift 4; exec lxc delete "$instance/$snapshot" "$@" ;;
  'snapshot rename '*) instance=$3 from=$4 to=$5; shift 5; exec lxc move "$instance/$from" "$instance/$to" "$@" ;;
  'snapshot show '*) instance=$3 snapshot=$4; shift 4; exec lxc config show "$instance/$snapshot" "$@" ;;
  'storage volume snapshot')
    command=$4
    shift 4
    case $command in
      create) exec lxc storage volume snapshot "$@" ;;
      restore) exec lxc storage volume restore "$@" ;;
      delete) pool=$1 volume=$2 snapshot=$3; shift 3; exec lxc storage volume delete "$pool" "$volume/$snapshot" "$@" ;;
      rename) pool=$1 volume=$2 from=$3 to=$4; shift 4; exec lxc storage volume rename "$pool" "$volume/$from" "$volume/$to" "$@" ;;
    esac
    ;;
  'resume '*) shift; exec lxc start "$@" ;;
esac
# Properties: `config get|set INSTANCE --property …`.
if [ "$1 ${4:-}" = 'config --property' ]; then
  instance=$3
  project=default
  [ "${6:-}" != --project ] || project=$7
  case $2 in
    get) exec lxc list --project "$project" "^$instance\$" --columns d --format csv ;;
    set)
      key=${5%%=*} value=${5#*=}
      case $value in true | false) ;; *) value="\"$value\"" ;; esac
      exec lxc query -X PATCH -d "{\"$key\": $value}" "/1.0/instances/$instance?project=$project"
      ;;
  esac
fi
exec lxc "$@"
