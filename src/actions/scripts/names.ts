/**
 * Every script that Belay itself runs on hosts: its name, arguments, standard input and what it prints.
 * The sandbox models exactly these; real hosts run the texts of the files beside this one.
 *
 * One output format for all: lines `key=value` on standard output, in any order, keys may repeat; `value` is the rest of
 * the line. Words inside a value are separated by one space and never hold spaces themselves unless said otherwise.
 * Everything else (apt's talk, journal lines) goes to standard error, for people.
 * A script that says no prints `failed=CODE text for people` as its last field and exits 1. Exit 0 is success.
 * `-` stands for "none" or "not asked for", in arguments and in values.
 *
 * "read" scripts change nothing and run through `host.read`. "changes" scripts run detached through `host.start`;
 * they first look at the present state and do nothing when it is already the wanted one, so that starting one anew is
 * safe. They run as root.
 *
 * name                kind     args                                            stdin
 * ------------------- -------- ----------------------------------------------- --------
 * service/observe     read     UNIT
 *     LoadState= ActiveState= SubState= UnitFileState= Type=   as `systemctl show` gives them, of the unit itself where
 *     UNIT is an alias; an unknown unit has LoadState=not-found. failed=NO_SYSTEMD | SERVICE_FAILED.
 * service/set         changes  UNIT STATE ENABLED STABLESECONDS
 *     STATE: started | stopped | restarted | reloaded | -, and restarted-again | reloaded-again: only if it is active
 *     ENABLED: enabled | disabled | enabled-runtime | linked | linked-runtime | -
 *     STABLESECONDS: how long a service has to be active without a break
 *     was=ACTIVESTATE UNITFILESTATE   before it acted (`-` for an empty one), printed even when it fails later
 *     is=ACTIVESTATE UNITFILESTATE    afterwards
 *     killed=TEXT      it did not end by itself     trigger=UNIT     an active unit that will start a stopped one again
 *     again=UNIT       a unit that was active was restarted-again or reloaded-again
 *     reread=UNIT      systemd had an older state of its file
 *     failed=UNIT_NOT_FOUND | UNIT_MASKED | NOT_ENABLED (asked, and it is not so) | SERVICE_FAILED | RELOAD_NOT_SUPPORTED |
 *            NO_SYSTEMD
 *
 * package/observe     read     NAME...
 *     manager=apt | dnf | yum
 *     package=NAME VERSION STATE HELD      one per NAME; VERSION `-` and STATE `absent` when it is not installed;
 *                                          STATE installed | absent | broken (half-installed, unpacked, half-configured);
 *                                          HELD held | free (apt-mark hold, versionlock of dnf and yum)
 *     failed=NO_PACKAGE_MANAGER
 * package/install     changes  KEY ALLOWNOUNDO VERSION NAME...
 *     KEY names the record of what was there before (any [a-z0-9-]+, the same for every attempt of a step)
 *     ALLOWNOUNDO: yes | no        VERSION: exact | latest | glob such as 15.20*
 *     stage-yes | stage-no: as yes and no, but nothing is installed: the new packages are fetched, those that they would
 *     replace are kept, and version= tells what would be installed
 *     manager=...
 *     change=NAME OLD NEW          every package that became different, those beyond NAME... too; `-`: not installed.
 *                                  Printed when it fails half-way as well.
 *     plan=NAME OLD NEW            every package that was to change, before any does
 *     version=NAME VERSION         one per NAME, in the order given
 *     failed=NO_SUCH_VERSION | LISTS_NOT_REFRESHED | UNDO_NOT_POSSIBLE | KEEP_FAILED | VERSION_LOCKED | WOULD_REMOVE | INSTALL_FAILED |
 *            PACKAGES_LOCKED | NO_PACKAGE_MANAGER | NO_TOOL (nothing here says which versions there are)
 * package/restore     changes  KEY NAME VERSION HELD [NAME VERSION HELD]...
 *     What package/observe printed before the step (VERSION `-`: remove it), and whatever else KEY's record names.
 *     change= as above; nothing printed when nothing differed.   failed=UNDO_FAILED | PACKAGES_LOCKED | NO_PACKAGE_MANAGER
 *
 * package/restore, and binary/arrange with KEEP no, also print
 *     outdated=PID BEGAN UNIT NAME FILE     a process that runs what they have taken away; BEGAN in clock ticks since the boot,
 *                                           UNIT `-` where nobody knows it; FILE may hold spaces
 * processes/outdated  read     PID BEGAN FILE [PID BEGAN FILE]...
 *     outdated= as above, of those that still run it
 *
 * file/observe        read     PATH
 *     kind=absent | file | symlink | directory | other
 *     sha256=HEX size=BYTES mode=0644 owner=NAME group=NAME   for a file (a number where the id has no name)
 * file/set            changes  KEY PATH STATE OWNER GROUP MODE PREVIOUS UNIT UNITSTATE      the new bytes (STATE present)
 *     STATE: present | absent     OWNER, GROUP, MODE: `-` keeps the present one (new files: the user's own, 0644)
 *     PREVIOUS: the sha256 that the file had before the step, `-` for none; the host keeps those bytes under KEY, once
 *     UNIT UNITSTATE: `- -`, or a unit to be reloaded | restarted after a change, if it is active
 *     was=KIND SHA256 OWNER GROUP MODE     is=KIND SHA256 OWNER GROUP MODE     (`-` each where there is no file)
 *     unit=ACTIVESTATE     when the unit was acted on     reread=NAME     systemd's older state of a unit file was loaded anew
 *     failed=NOT_A_FILE | NO_SUCH_FOLDER | NO_SUCH_OWNER | CHANGED_MEANWHILE | WRITE_FAILED | SERVICE_FAILED ...
 * file/restore        changes  KEY PATH KIND SHA256 OWNER GROUP MODE UNIT UNITSTATE UNITWASACTIVE
 *     KIND file | absent: the state to go back to, as file/observe gave it; UNITWASACTIVE: yes | no | -
 *     was= is= unit= as above.   failed=BACKUP_MISSING | BACKUP_DAMAGED | NOT_A_FILE | WRITE_FAILED | SERVICE_FAILED ...
 *
 * authorized-keys/observe     read     USER ROOT BODY...
 *     ROOT: where the system's root volume is mounted, `-` for the running system. BODY: a key's base64, AAAA…
 *     path=PATH            the first AuthorizedKeysFile of the user (sshd -T; with a ROOT its sshd_config)
 *     is=KIND SHA256 UID:GID MODE     KIND file | absent, then `-` each
 *     has=BODY             for each BODY that the file holds
 *     failed=NO_SUCH_USER | NO_SUCH_ROOT | NO_KEYS_FILE | NOT_A_FILE
 * authorized-keys/set         changes  KEY USER ROOT STATE PROVEN BODY...        the new lines (STATE present)
 *     STATE: present | absent     PROVEN: a BODY that has to be left, or `-`
 *     was= is= as above; keys=N in the file now; added=BODY removed=BODY what the step has done, earlier attempts too
 *     elsewhere=TEXT       where else these keys, or keys of the user, come from
 *     failed=LAST_KEY | PROVEN_KEY_MISSING | NOT_A_FILE | WRITE_FAILED ...
 * authorized-keys/restore     changes  KEY USER ROOT BEFORE CHANGED
 *     BEFORE: what observe's is= said. CHANGED: yes | no | unknown
 *     was= is= keys= added= removed= as above; touched=yes when somebody else has changed the file since
 *     failed=BACKUP_MISSING | BACKUP_DAMAGED | LAST_KEY | WRITE_FAILED ...
 * authorized-keys/connection  read     -
 *     over=ssh | other     accepted=LINE     sshd's own log line of the login that this script runs over
 *
 * volume/mounts       read     [MOUNT...]             without a MOUNT: everything that is mounted from a disk
 *     mount=MOUNT SOURCE FSTYPE OPTIONS      what is mounted exactly there
 *     disk=MOUNT DISK SERIAL         every whole disk below it (several with LVM): DISK /dev/nvme1n1 or /dev/xvdf,
 *                                    SERIAL vol0123abc for NVMe, `-` where the disk has none
 *     busy=MOUNT who uses it         where processes use it and can be seen; only for MOUNTs asked for by name
 *     other=MOUNT SOURCE FSTYPE OPTIONS      without a MOUNT: all the rest, bind mounts (SOURCE /dev/xvdf[/folder]) and tmpfs too
 *     failed=NOT_MOUNTED             a MOUNT at which nothing is mounted
 * volume/freeze       changes  SECONDS MOUNT...
 *     sync, then fsfreeze of each MOUNT; stays running until it is stopped (TERM thaws) or SECONDS have passed (thaws).
 *     frozen=MOUNT      for each, then ready=yes, then it waits          skipped=MOUNT why   system folders live on it
 *     thawed=MOUNT      at the end
 *     failed=FREEZE_FAILED     (everything is thawed first)
 * volume/sync         read     MOUNT...                 flushes; prints synced=MOUNT
 * volume/unmount      changes  MOUNT...                 unmounted=MOUNT (also when nothing was mounted)
 *     failed=MOUNT_BUSY        and what had been unmounted is mounted again
 * volume/mount        changes  MOUNT FSTYPE OPTIONS DISK SERIAL [MOUNT FSTYPE OPTIONS DISK SERIAL]...
 *     SERIAL other: DISK is what findmnt calls the source of a mount that was no part of the exchange
 *     mounts what a mount unit or /etc/fstab says for MOUNT, else that disk (found by SERIAL unless `-`, else by name).
 *     mounted=MOUNT (also when it was mounted already)                 failed=MOUNT_FAILED | NO_SUCH_DISK
 *
 * binary/observe      read     PATH
 *     at=SHA256 SHA256 SHA256       at PATH, PATH.new and PATH.old; `-` where there is no file       failed=NOT_A_FILE
 * binary/stage        changes  PATH SHA256                                a line: the source, a path or an https address
 *     was=... is=... as at=     failed=SHA256_MISMATCH | STAGED_OTHER | NO_SUCH_SOURCE | FETCH_FAILED | NO_HTTP_CLIENT | WRITE_FAILED
 * binary/arrange      changes  KEY PATH KEEP FROM FROMNEW FROMOLD TO TONEW TOOLD
 *     puts the files at the three places where TO wants them. Each place must hold what FROM or TO says.
 *     KEEP yes: what TO has no place for is kept under KEY     no: what is kept under KEY is dropped in the end
 *     was=... is=... as at=     failed=CHANGED_MEANWHILE | BACKUP_MISSING | BACKUP_DAMAGED | NOT_A_FILE | WRITE_FAILED
 *
 * reboot/observe      read     [UNIT...]
 *     bootId=ID     required=yes | no | unknown      whether the host says that it needs a reboot
 *     mount=MOUNT SOURCE UUID DECLARED    every file system of a disk or the network; UUID `-` where none can be seen;
 *                                         DECLARED yes | no: whether a mount unit or /etc/fstab knows it
 *     unit=UNIT LOADSTATE ACTIVESTATE     one per UNIT                 failed=NO_SYSTEMD | NO_TOOL
 * reboot/begin        changes  BOOTID COUNT MOUNT... UNIT...            COUNT MOUNTs, without which no UNIT may start
 *     reboots the host if it still runs BOOTID.   rebooted=already | rebooting=yes    failed=WRITE_FAILED | REBOOT_FAILED
 * reboot/after        read     BOOTID COUNT MOUNT UUID [MOUNT UUID]... UNIT...
 *     also removes what reboot/begin left with each UNIT, once every MOUNT is there
 *     bootId=ID                           all that is printed while it is BOOTID
 *     system=STATE                        of systemctl is-system-running      job=NAMES of jobs still running
 *     missing=MOUNT     other=MOUNT SOURCE UUID FOUNDUUID
 *     unit=UNIT ACTIVESTATE UNITFILESTATE RESULT words of its journal (may hold spaces) unless it is active
 *
 * nginx/observe       read     FILE UPSTREAM SERVER                       UPSTREAM `-`: whichever names SERVER
 *     sha256=HEX  upstream=NAME  flag=up | backup | down           failed=NGINX_NO_SERVER | NGINX_AMBIGUOUS | NOT_A_FILE
 * nginx/set           changes  KEY FILE UPSTREAM SERVER FLAG PREVIOUS WITHINSECONDS QUIETSECONDS LOG
 *     FLAG: up | down     PREVIOUS: the sha256 that FILE had; the host keeps those bytes under KEY, once     LOG: a path or `-`
 *     was=FLAG   is=FLAG   ended=N workers of before the reload (down)   requests=N HITS lines of LOG, and those for SERVER
 *     failed=NGINX_REFUSED (FILE is as it was) | LAST_SERVER | NGINX_NOT_RUNNING | NGINX_NOT_INCLUDED | NO_NGINX |
 *            CHANGED_MEANWHILE | NGINX_RELOAD_FAILED | NGINX_OLD_WORKERS | NGINX_STILL_SERVED | NO_SUCH_LOG ...
 * nginx/restore       changes  KEY FILE UPSTREAM SERVER FLAG PREVIOUS WITHINSECONDS
 *     down: returns when the workers of before the reload have ended, as nginx/set does
 *     was= is= as above; edited=yes when FILE was changed by others and only the line was put back     failed= as above
 *
 * tls/observe         read     CERTIFICATE KEY                            two paths
 *     certificate=KIND SHA256 OWNER GROUP MODE     key=KIND SHA256 OWNER GROUP MODE     as file/set has them
 *     pem=BASE64        the certificates in CERTIFICATE, nothing else of it           failed=NOT_A_FILE | WRITE_FAILED
 * tls/install         changes  KEEPKEY CERTIFICATE KEY SHA256 KEYSHA256 UNIT SIGNAL       the new key
 *     BELAY_CERTIFICATE in the environment: the new certificate     the two SHA256: of what was there, `-` for none
 *     UNIT `-`: nobody is told     SIGNAL: HUP | reload
 *     was=... is=... of CERTIFICATE    told=UNIT
 *     failed=UNIT_NOT_ACTIVE | CHANGED_MEANWHILE | NO_SUCH_FOLDER | WRITE_FAILED | SERVICE_FAILED | RELOAD_NOT_SUPPORTED
 * tls/restore         changes  KEEPKEY CERTIFICATE KEY LEFT SHA256 OWNER GROUP MODE SHA256 OWNER GROUP MODE UNIT SIGNAL
 *     LEFT: the sha256 that the step gave CERTIFICATE; then both files as they were
 *     was=... is=... told=...     failed=CHANGED_MEANWHILE | BACKUP_MISSING | BACKUP_DAMAGED | WRITE_FAILED | SERVICE_FAILED
 *
 * postgresql/check    read     USER PORT DATABASE QUERYSECONDS SOCKET TWICE       the canary query, or nothing
 *     DATABASE `*`: every one that may be connected to, each line with its name in front     TWICE yes | no: ask again after 2 s
 *     ready=N                  exit code of pg_isready: 0 answers, 1 rejects, 2 silent, 3 wrong call
 *     version=TEXT             show server_version (may hold spaces)
 *     recovery=t | f
 *     port=N                   what the server says that it listens on
 *     trouble=TEXT             what psql said when it got no version
 *     answer=BASE64            the first 16 KiB of what the query gave (psql -At), sorted unless it has an ORDER BY
 *     digest=SHA256 BYTES      of all of it          second=BASE64   the second answer, where it differs from the first
 *     amcheck=sound | damaged TEXT | unfinished     of pg_amcheck, where that and its extension are installed and a query was given
 *     queryError=TEXT          what psql said instead, with the SQLSTATE: `ERROR:  42P01: relation "t" does not exist`
 *     failed=NO_POSTGRESQL | NO_SUCH_USER
 *
 * keep/list           read     -
 *     kept=LABEL FILES BYTES      what is kept for undos, by the label of its execution (keep-key.ts)
 * keep/forget         changes  LABEL...                                 through host.read: harmless to repeat, and short
 *     gone=LABEL N     N things were removed; none of it is there any more       failed=BAD_LABEL | WRITE_FAILED
 *
 * postgresql/server   read     USER UNIT PORT DIRECTORY DATABASE                    `-`: whichever runs; exactly one must be meant
 *     server=PID PORT DIRECTORY BINDIRECTORY UNIT SOCKETDIRECTORY
 *     path=KIND PATH MOUNT SOURCE FSTYPE     KIND data | wal | tablespace; nested: a mount below one of these
 *     other=PORT DIRECTORY BINDIRECTORY UNIT running | down     every other cluster     otherPath=DIRECTORY MOUNT SOURCE FSTYPE
 *     managers=NAME...         patroni, repmgrd and the like that run     paused=NAME | unpaused=NAME  each of them, as it says itself
 *     room=PATH KIB            what is free where its files, the programs and the package database lie
 *     package=NAME VERSION     the server's own and what was built with it     libc=glibc VERSION
 *     systemIdentifier=N       checksums=N     from pg_controldata              number=150020
 *     facts= standby= slot= extension= collation=     one JSON object each     collation: a database whose version differs
 *     failed=NOT_ROOT | NO_POSTGRESQL | NO_SUCH_SERVER | AMBIGUOUS_SERVER | OPEN_PROGRAMS | NO_SUCH_USER | NOT_ANSWERING | QUERY_FAILED | ODD_PATH
 *
 * postgresql/copy      changes  KEY USER DIRECTORY                the conninfo of the primary; empty: as DIRECTORY says
 *     DIRECTORY becomes a base backup; what was there is DIRECTORY.before-KEY          kept=PATH   copied=SYSTEMIDENTIFIER | already
 *     failed=SERVER_RUNNING | OTHER_CLUSTER | PRIMARY_SILENT | COPY_FAILED | NO_ROOM | HAS_TABLESPACES | HAS_WAL_LINK | IS_MOUNT | NO_CONNINFO ...
 * postgresql/copy-back changes  KEY DIRECTORY                       back=DIRECTORY   when DIRECTORY.before-KEY took its place again
 *     failed=SERVER_RUNNING | CHANGED_MEANWHILE | WRITE_FAILED
 *
 * postgresql/control   read     DIRECTORY
 *     running=PID where a server works there     state= checkpoint=LSN timeline=N systemIdentifier=N of pg_controldata
 *     said=TEXT                its last complaints in its log since it began               failed=NO_SUCH_DIRECTORY | NO_POSTGRESQL
 * postgresql/can-follow read    USER DIRECTORY                      the conninfo of the primary to be
 *     identity=N of who answers     systemIdentifier=N     unhinted=yes | unrewindable=yes     unasked=TEXT  of a plain connection
 * postgresql/promote   changes  USER PORT SOCKET DIRECTORY LSN TIMELINE IDENTIFIER SECONDS
 *     waits until it has replayed beyond LSN, then promotes.     replayed=LSN timeline=N (also when it was promoted already)
 *     failed=OTHER_CLUSTER | NOT_A_STANDBY | NOT_CAUGHT_UP | NOT_ANSWERING | PROMOTE_FAILED
 * postgresql/promoted  read     USER PORT SOCKET DIRECTORY         recovery=t | f
 * postgresql/follow    changes  KEY USER DIRECTORY REWIND SLOT      the conninfo; SLOT `=`: as now     rewound=yes | no  slot=NAME  told=reload | restart
 *     failed=PRIMARY_SILENT | OTHER_CLUSTER | SLOT_FAILED | ODD_SLOT | SERVER_RUNNING | CANNOT_REWIND | REWIND_FAILED | WRITE_FAILED
 * postgresql/unfollow  changes  KEY USER DIRECTORY                  back=FILE
 *
 * http/check          read     URL TIMEOUTSECONDS BODYBYTESMAX METHOD     the request's body
 *     status=NNN  body=BASE64    or    unreachable=TEXT          failed=NO_HTTP_CLIENT
 *
 * minio/drives        read     PATH...
 *     drive=ID PATH            for each path that MinIO has formatted; ID as its format.json says       failed=UNREADABLE
 * minio/pieces        read     DRIVE...     runs detached, as it may take long; changes nothing
 *     prints no fields: records OBJECT//PLACE//BYTES//NUMBER of DRIVE, each with a zero byte, sorted, through gzip.
 *     Says no by its exit code, and why on standard error.
 * minio/heads         read     BYTESMAX DRIVE OBJECT [DRIVE OBJECT]...
 *     head=NUMBER BASE64       of the pair, from 0: the first BYTESMAX of its xl.meta; nothing where it has none
 *     part=NUMBER BYTES PLACE
 *
 * check/probes        read     the arguments of all probes, one after the other
 *     BELAY_NONCE in the environment. Lines NONCE NUMBER begin | : KEY=VALUE | end EXITCODE; see check/compose.ts.
 */
export const hostScriptNames = [
  'service/observe',
  'service/set',
  'package/observe',
  'package/install',
  'package/restore',
  'processes/outdated',
  'file/observe',
  'file/set',
  'file/restore',
  'authorized-keys/observe',
  'authorized-keys/set',
  'authorized-keys/restore',
  'authorized-keys/connection',
  'volume/mounts',
  'volume/freeze',
  'volume/sync',
  'volume/unmount',
  'volume/mount',
  'binary/observe',
  'binary/stage',
  'binary/arrange',
  'reboot/observe',
  'reboot/begin',
  'reboot/after',
  'nginx/observe',
  'nginx/set',
  'nginx/restore',
  'tls/observe',
  'tls/install',
  'tls/restore',
  'postgresql/check',
  'keep/list',
  'keep/forget',
  'postgresql/server',
  'postgresql/copy',
  'postgresql/copy-back',
  'postgresql/control',
  'postgresql/can-follow',
  'postgresql/promote',
  'postgresql/promoted',
  'postgresql/follow',
  'postgresql/unfollow',
  'http/check',
  'minio/drives',
  'minio/pieces',
  'minio/heads',
  'check/probes',
] as const;
export type HostScriptName = (typeof hostScriptNames)[number];
