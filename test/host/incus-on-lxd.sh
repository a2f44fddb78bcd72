#!/bin/sh
# `incus` for tests that run against LXD 5.0: the same words for the client `lxc`, where that has others.
case "$1 ${2:-}" in
  'snapshot create') shift 2; exec lxc snapshot "$@" ;;
  'snapshot restore') shift 2; exec lxc restore "$@" ;;
  'snapshot delete') shift 2; exec lxc delete "$1/$2" ;;
  'snapshot rename') shift 2; exec lxc move "$1/$2" "$1/$3" ;;
  'snapshot show') shift 2; exec lxc config show "$1/$2" ;;
esac
exec lxc "$@"
