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
  /** Programs among the pages of web servers that one may ask for, as `/index.php`; absent in facts of older versions. */
  readonly pages?: readonly string[];
  /** What servers say to a harmless question from guard's machine; null where there are none, or none can be reached. */
  readonly answers: readonly Answer[] | null;
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
  readonly unit: string | null;
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
  readonly protocol: 'http' | 'dns' | 'greeting' | 'mail' | 'ldap';
  /** As `tcp/80`. */
  readonly port: string;
  /**
   * The path, `//name/` for a site by its name; the zone whose SOA record was asked for, or the name whose address was; the name of the greeted protocol; the
   * recipient of a message; the entry of a directory, empty for the one about the server itself.
   */
  readonly question: string;
  /**
   * The status, the response code, or the first word; `unreachable` where no connection came about; null where nothing
   * sensible came.
   */
  readonly said: string | null;
}
