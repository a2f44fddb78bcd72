import { upgrade } from '../words.mjs';

const answersMaria = 'mariadb --connect-timeout=3 -e "SELECT 1"';
const tableOfPeople = `runuser -u postgres -- psql -q -c 'CREATE TABLE people AS SELECT 7 AS id'`;
const answersPostgres = `runuser -u postgres -- psql -p 5432 -Atc 'SELECT id FROM people' | grep -q 7`;

export const database = [
  {
    name: 'mariadb',
    install: 'mariadb-server',
    change: upgrade('mariadb-server'),
    probe: answersMaria,
    expected: 'healthy',
  },
  {
    name: 'mariadb, a setting that the new version passes over',
    install: 'mariadb-server',
    configure: `printf '[mariadbd]\\ninnodb_change_buffering = none\\n' >/etc/mysql/mariadb.conf.d/90-tuning.cnf; systemctl restart mariadb`,
    change: upgrade('mariadb-server'),
    probe: answersMaria,
    expected: 'healthy',
  },
  {
    name: 'postgresql, the new major version beside the old one',
    install: 'postgresql',
    configure: tableOfPeople,
    change: upgrade('postgresql'),
    probe: answersPostgres,
    expected: 'healthy',
  },
  {
    name: 'postgresql, moved to the new major version',
    install: 'postgresql',
    configure: tableOfPeople,
    change: `${upgrade('postgresql')} && pg_upgradecluster 15 main && pg_dropcluster 15 main && apt-get purge -y -qq postgresql-15`,
    probe: answersPostgres,
    expected: 'healthy',
  },
  {
    name: 'postgresql, the old major version removed too early',
    install: 'postgresql',
    configure: tableOfPeople,
    change: `${upgrade('postgresql')} && apt-get remove -y -qq postgresql-15`,
    probe: answersPostgres,
    expected: 'broken',
  },
];
