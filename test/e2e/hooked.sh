#!/bin/sh
# A package manager with a hook, for tests of the agent:
#   hooked COMMAND STATUS   asks for a way back, does COMMAND if it may go on, says that it ended with STATUS (`none`: says nothing)
#   hooked ping             prints what the host answers
d=/run/guard
[ -p $d/ask ] || { echo absent; exit 1; }
mkfifo -m 600 "$d/reply.$$" || exit 1
exec 4<>"$d/reply.$$"
trap 'rm -f "$d/reply.$$"' EXIT
hear() { timeout "$1" head -n 1 <&4; }
if [ "$1" = ping ]; then
  echo "1 $$ ping" 1<>$d/ask
  hear 10
  exit
fi
{
  echo "1 $$ pre trial $$"
  echo "1 $$ command trial $1"
  echo "1 $$ package thing 1 2"
  echo "1 $$ ask"
} 1<>$d/ask
answer=$(hear 60)
echo "$answer"
case $answer in go*) ;; *) exit 1 ;; esac
sh -c "$1"
[ "$2" = none ] || [ ! -p $d/ask ] || { echo "1 $$ post trial $$ $2" 1<>$d/ask; hear 10; }
