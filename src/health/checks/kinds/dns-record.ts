import type { Answer } from 'dns-packet';

/** A record's data as a zone file writes it, names without their final dot. */
export function sayRecord(record: Answer): string {
  if (record.type === 'OPT') return record.type;
  if (record.type === 'MX') return `${record.data.preference ?? 0} ${record.data.exchange}`;
  if (record.type === 'SRV')
    return `${record.data.priority ?? 0} ${record.data.weight ?? 0} ${record.data.port} ${record.data.target}`;
  if (record.type === 'SOA') return [record.data.mname, record.data.rname, record.data.serial ?? 0].join(' ');
  if (record.type === 'CAA') return `${record.data.flags ?? 0} ${record.data.tag} "${record.data.value}"`;
  if (record.type === 'TXT') return [record.data].flat().map(String).join('');
  return typeof record.data === 'string' ? record.data : record.type;
}
