/**
 * What guard can see of an instance's health without being told anything about it: plain data, so that it can be kept in
 * the journal and compared at any later time. `null` for a section means that it could not be read, which proves nothing:
 * the comparison is silent about it and `missingFacts` tells it.
 */
export interface Facts {
  readonly v: 1;
  readonly init: Init | null;
  readonly manager: ServiceManager;
  /** By unit name (systemd: `nginx.service`; OpenRC: `nginx`). Null without a service manager that answers. */
  readonly units: Readonly<Record<string, Unit>> | null;
  /** Names of the unit files there are, masked ones left out; null where they could not be listed. */
  readonly unitFiles: readonly string[] | null;
  /** First and last of the ports that the kernel gives to whoever asks for any port. */
  readonly ephemeralPorts: readonly [number, number];
  /** Listening internet sockets. */
  readonly sockets: readonly Socket[] | null;
  /** Listening unix sockets that have a name in the file system. */
  readonly unixSockets: readonly UnixSocket[] | null;
  readonly network: Network | null;
  readonly packages: Packages | null;
  readonly disk: Disk | null;
  readonly reboot: Reboot | null;
  /** Processes that belong to the instance's init: not guard's own, nor any other visitor's from outside. */
  readonly processes: readonly Process[] | null;
  readonly configuration: ConfigurationFiles | null;
  /** The instance's own clock when all this had been gathered and all servers had answered, in seconds since 1970. */
  readonly observedAt?: number;
  /** Programs among the pages of web servers that one may ask for, as `/index.php`; absent in facts of older versions. */
  readonly pages?: readonly string[];
  /** Paths that web servers are configured for or that clients got lately, the most used first; only a baseline has them. */
  readonly pagePaths?: readonly string[] | null;
  /** What servers say to a harmless question from guard's machine; null where there are none, or none can be reached. */
  readonly answers: readonly Answer[] | null;
  // The rest is absent in facts of older versions.
  /** Jobs of cron and at. */
  readonly jobs?: Jobs | null;
  readonly accounts?: Accounts | null;
  /** Digest of each public key of the SSH server, by its algorithm. */
  readonly hostKeys?: Readonly<Record<string, string>> | null;
  readonly authorities?: Authorities | null;
  readonly kernel?: KernelSettings | null;
  readonly mounts?: Mounts | null;
  /** Folders in which services work, and folders that everybody uses. */
  readonly workplaces?: Workplaces | null;
  /** Files that keep services from being started, or people from logging in. */
  readonly obstacles?: readonly string[] | null;
  /** Where links that bear the name of an earlier unix socket lead, by the link's path. */
  readonly links?: Readonly<Record<string, string>>;
  /** Package of each unit file and cron table that a package brought, by the file's name. */
  readonly packaged?: Readonly<Record<string, string>> | null;
  /** What validators of configuration said, by the validator's name; only those whose service runs. */
  readonly validators?: Readonly<Record<string, Validation>> | null;
  /** Files with capabilities or the set-user-ID bit: `capability` or `setuid` by path. */
  readonly privileges?: Readonly<Record<string, string>> | null;
  /** Whether each of these names could be resolved inside. */
  readonly resolution?: Readonly<Record<string, boolean>> | null;
  /** Established connections to servers that processes of the instance opened as clients. */
  readonly connections?: readonly ClientConnection[] | null;
  /** Whether servers to which connections were open before can be reached now, by `address:port`. */
  readonly peers?: Readonly<Record<string, boolean>> | null;
  /** Waiting messages or jobs by queue directory. */
  readonly queues?: Readonly<Record<string, number>> | null;
  readonly log?: LogExcerpt | null;
  /**
   * Whether 64 KiB could be written in each folder, to a file that has no name any more. Absent in older facts.
   */
  readonly canWrite?: Readonly<Record<string, boolean>> | null;
  /** What the local listeners that only the instance itself can reach say, by `tcp/PORT`. */
  readonly localReplies?: Readonly<Record<string, string>> | null;
}

/** One job of a cron table or of at. */
export interface Job {
  /** The table, or the folder of at's jobs. */
  readonly table: string;
  /** When it runs and what: the line of the table, shortened; for `cron.daily` and its like the script's name. */
  readonly line: string;
}

export interface Jobs {
  readonly entries: readonly Job[];
  /** Programs that entries name and that are not there. */
  readonly missingPrograms: readonly string[];
  /** Tables that cron ignores because others may write to them, or because they are not root's. */
  readonly ignoredTables: readonly string[];
}

export interface Account {
  readonly uid: number;
  readonly shell: string;
  /** No password opens it. */
  readonly locked: boolean;
  /** `account`: it is past its last day; `password`: it needs a new password first. */
  readonly expired?: 'account' | 'password';
}

export interface Accounts {
  readonly users: Readonly<Record<string, Account>>;
  /** Members by group. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Every group, with members or without. */
  readonly groupNames?: readonly string[];
}

/** Whom the programs of the instance trust as servers. */
export interface Authorities {
  /** Certificates that the administrator added, by file name. */
  readonly own: readonly string[];
  /** All of them; null where there is no list. */
  readonly count: number | null;
}

export interface KernelSettings {
  /** What the files set at the next boot, by key with dots. */
  readonly configured: Readonly<Record<string, { readonly value: string; readonly file: string }>>;
  readonly current: Readonly<Record<string, string>>;
}

export interface Mount {
  readonly path: string;
  readonly type: string;
  readonly writable: boolean;
}

export interface Mounts {
  readonly mounted: readonly Mount[];
  /** Mount points in /etc/fstab. */
  readonly configured: readonly string[];
}

export interface Workplaces {
  /** Whether the processes of a unit may write in their folder, by `UNIT FOLDER`. */
  readonly writable: Readonly<Record<string, boolean>>;
  /** Permissions of the folders that everybody uses. */
  readonly shared: Readonly<Record<string, number>>;
}

export interface Validation {
  readonly ok: boolean;
  /** The last lines that it wrote, as one. */
  readonly message: string;
}

export interface ClientConnection {
  /** The unit, else the process. */
  readonly owner: string;
  /** As `10.1.2.3:5432`. */
  readonly peer: string;
}

/** Messages of services that speak of an error, grouped by source and by text without its variable parts. */
export interface LogExcerpt {
  readonly errors: readonly LogError[];
  /** Entries of the journal by source, as a sign of life. */
  readonly written?: Readonly<Record<string, number>>;
  /** Bytes of each log file in /var/log, by path: from there the next observation reads on. */
  readonly sizes: Readonly<Record<string, number>>;
}

export interface LogError {
  /** The unit, the program, or the file. */
  readonly source: string;
  /** Without numbers, addresses and times. */
  readonly pattern: string;
  /** As it was written last, shortened. */
  readonly example: string;
  readonly count: number;
}

/** Process 1, which tells a restart of the instance from the same one still running. */
export interface Init {
  readonly name: string;
  /** Start of process 1 in clock ticks since the host's boot. */
  readonly startTicks: number;
}

export type ServiceManager =
  | { readonly kind: 'systemd'; readonly answers: boolean; readonly booted: boolean }
  | { readonly kind: 'openrc'; readonly runlevel: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' };

/**
 * One unit, in systemd's own words (`systemctl show`); OpenRC's states are put into the same words. Of units that are not
 * services, and of services that are simply dead and not wanted, only the name and the states are known: the other words are empty.
 */
export interface Unit {
  readonly id: string;
  /** Every name, aliases included. */
  readonly names: readonly string[];
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  readonly result: string;
  readonly type: string;
  readonly fileState: string;
  /** Automatic restarts since the last deliberate start. */
  readonly restarts: number;
  readonly mainPid: number;
  /** How the main process ended last: null while it has not ended. */
  readonly exit: { readonly how: 'exited' | 'killed' | 'dumped'; readonly status: number } | null;
  /** Changes at every start of the unit. Empty when it was never started. */
  readonly invocation: string;
  readonly transient: boolean;
  readonly remainAfterExit: boolean;
  readonly busName: string;
  readonly triggeredBy: readonly string[];
  /** Who pulls it in at boot. */
  readonly wantedBy: readonly string[];
  /** The unit file. */
  readonly fragment: string;
  /** It should have been started, and a condition in its own unit file did not hold, such as one about the kernel. */
  readonly skipped?: boolean;
  /** systemd's rule for automatic restarts, such as `on-failure`. */
  readonly restart?: string;
  /** Exit statuses after which systemd is told to start it again. */
  readonly restartStatuses?: readonly number[];
  /** Exit statuses that count as success beside 0. */
  readonly successStatuses?: readonly number[];
  /** The user that its unit file names; absent where it names none or a dynamic one. */
  readonly user?: string;
  /** A job for it is queued or runs. */
  readonly job?: boolean;
  /** Of a timer: that another run is planned. */
  readonly planned?: boolean;
  /** Of a timer: when it ran last, as systemd writes it. */
  readonly lastTrigger?: string;
  /** Soft limit of open files; null where there is none. */
  readonly openFiles?: number | null;
}

export type Protocol = 'tcp' | 'udp';

/** One listening socket (tcp), or one that is bound and not connected (udp). */
export interface Socket {
  readonly protocol: Protocol;
  /** As written by people: `0.0.0.0`, `127.0.0.1`, `::`, `fe80::1`. */
  readonly address: string;
  readonly port: number;
  /** True when an IPv6 socket serves IPv6 only; null where that cannot be known. */
  readonly v6only: boolean | null;
  readonly owner: Owner | null;
}

export interface UnixSocket {
  /** With `/var/run` written as `/run`. */
  readonly path: string;
  readonly owner: Owner | null;
  /** Permissions of the file and of its folder, where they could be read. */
  readonly access?: Access;
}

/** Who may open a file. */
export interface Access {
  /** As `0660`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who holds a socket. */
export interface Owner {
  readonly process: string;
  /** The systemd unit whose control group it lives in, or null. */
  readonly unit: string | null;
}

export interface Network {
  /** Global addresses, without loopback and link-local ones. */
  readonly addresses: readonly Address[];
  readonly defaultRoutes: readonly DefaultRoute[];
  readonly nameservers: readonly string[];
}

export interface Address {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefix: number;
  readonly interface: string;
  /** True when it was leased (DHCP, router advertisement); null where that cannot be known. */
  readonly dynamic: boolean | null;
}

export interface DefaultRoute {
  readonly family: 4 | 6;
  readonly interface: string;
  readonly gateway: string;
}

export interface Packages {
  /** `none`: there is no package manager. */
  readonly manager: 'dpkg' | 'rpm' | 'apk' | 'pacman' | 'none';
  /** Version by name; with several architectures or versions of one name the name carries them. */
  readonly installed: Readonly<Record<string, string>>;
  /** Packages that the manager itself calls not properly installed, with its word for that. */
  readonly broken: Readonly<Record<string, string>>;
  /** The manager was interrupted, or is at work at this moment. */
  readonly interrupted: boolean;
}

export interface Disk {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** 0 where the file system does not count inodes. */
  readonly totalInodes: number;
  readonly availableInodes: number;
  readonly writable: boolean;
}

export interface Reboot {
  readonly required: boolean;
  readonly packages: readonly string[];
}

export interface Process {
  readonly pid: number;
  readonly name: string;
  readonly startTicks: number;
  /** How long it has been running, in milliseconds. */
  readonly ageMs: number;
  readonly parent: number;
  /** The unit; of a user's manager `user@1000.service/wiki.service`. */
  readonly unit: string | null;
  /** Processor time that it and its ended children have used, in clock ticks. Absent in facts of older versions. */
  readonly cpuTicks?: number;
  /** The program: its file, and for an interpreter the script that it runs. Absent in facts of older versions. */
  readonly program?: string;
}

/** Files below /etc: a signature that changes with the content, and the lines that say how services listen. */
export interface ConfigurationFiles {
  readonly signatures: Readonly<Record<string, string>>;
  readonly listenLines: Readonly<Record<string, readonly string[]>>;
  /** Paths below /run that configuration refers to, with the files that do. */
  readonly references: Readonly<Record<string, readonly string[]>>;
  /** The zones that configuration of name servers names, apart from those that every name server has. */
  readonly zones: readonly string[];
  /** Names to which resolvers are told an address; absent in facts of older versions. */
  readonly names?: readonly string[];
  /** Names under which web servers have sites; absent in facts of older versions. */
  readonly sites?: readonly string[];
}

/** One question to a server of the instance, and what came. */
export interface Answer {
  readonly protocol: 'http' | 'dns' | 'greeting' | 'mail' | 'ldap' | 'certificate' | 'tcp';
  /** As `tcp/80`. */
  readonly port: string;
  /**
   * The path, `//name/path` for a site by its name, `files of /` for what a browser loads with the first page; the zone whose SOA record was asked for, or the name whose address was; the name of the greeted protocol; the
   * recipient of a message; the entry of a directory, empty for the one about the server itself; the name that a certificate was asked for; how a server of
   * an unknown protocol was made to speak (`protocols/learn.ts`).
   */
  readonly question: string;
  /**
   * The status, the response code, or the first word; `unreachable` where no connection came about; null where nothing
   * sensible came.
   */
  readonly said: string | null;
}
