/**
 * What a command ends with, whether it asks a server or is the server. 0, 1, 3, 10, 11, 12 and 130 mean what they mean to restic;
 * 75 is EX_TEMPFAIL of sysexits.h.
 */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  partly: 3,
  notFound: 4,
  refused: 5,
  keyUnavailable: 6,
  damage: 7,
  conflict: 8,
  config: 9,
  noStore: 10,
  storeInUse: 11,
  wrongKey: 12,
  storeFailed: 75,
  interrupted: 130,
} as const

export type Ending = keyof typeof EXIT

export const MEANING: Readonly<Record<Ending, string>> = {
  done: 'done',
  failed: 'failed, for a reason that has no number of its own',
  usage: 'called wrongly; also a destructive command without --yes where nobody can be asked',
  partly: 'partly done: some items failed, the rest is done',
  notFound: 'not found: bucket, object, version, key, user, …',
  refused: 'refused: signature, policy, missing authorization',
  keyUnavailable: 'the root key cannot be used: disabled, deleted, or its key service does not answer',
  damage: 'damage was found: what came is not what was stored',
  conflict: 'conflict: it exists, is not empty, is retained, or was changed meanwhile',
  config: 'the configuration of the server is not valid',
  noStore: 'there is no store there',
  storeInUse: 'another process has the store',
  wrongKey: 'the wrong instance key or passphrase',
  storeFailed: 'the disk or the database failed while the server ran: start it again',
  interrupted: 'interrupted',
}
