/**
 * Whether the name of a page says that its request may do something: guard then does not request it. Also words that only contain such a name
 * are left out, because a page that is not compared does no harm.
 */
export function mayHaveEffect(path: string): boolean {
  return actions.test(path);
}

const actions =
  /log-?(out|off)|sign-?(out|off|up)|delete|remove|drop|destroy|clear|clean|reset|purge|flush|stop|shut-?down|restart|reboot|reload|kill|subscribe|confirm|activate|verify|cron|run|exec|trigger|deploy|update|upgrade|install|send|sync|import|export|start|publish|disable|enable|toggle|hook|cgi|backup|restore|print|re-?index|rebuild|refresh|relay|(un)?lock|open|vote|add|create|approve|cancel|pay|callback|token|wake|power|switch/i;
