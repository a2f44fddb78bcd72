#!/bin/sh
# Says what is wrong with the command $1 and the folder $2, if anything. Not with `command -v`, which also finds
# builtins and functions of the shell.
if [ -n "$2" ] && ! cd "$2" 2>/dev/null; then echo 'no folder'; exit; fi
case $1 in
  '') exit ;;
  */*) if [ ! -e "$1" ]; then echo missing; elif [ ! -x "$1" ] || [ -d "$1" ]; then echo 'not executable'; fi; exit ;;
esac
IFS=:
for folder in $PATH; do
  if [ -f "$folder/$1" ] && [ -x "$folder/$1" ]; then exit; fi
done
echo missing
