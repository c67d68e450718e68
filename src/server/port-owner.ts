import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** State of a socket that listens, as /proc/net/tcp has it. */
const LISTENS = '0A'

/** The process that listens on a port of this machine, where Linux tells: those of other users it tells to root alone. */
export function portOwner(port: number): { readonly pid: number; readonly name: string } | undefined {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => listening(path, port)))
  if (sockets.size === 0) return undefined
  for (const pid of orNone(() => readdirSync('/proc')).filter((name) => /^\d+$/.test(name))) {
    const open = orNone(() => readdirSync(`/proc/${pid}/fd`))
    const isOwner = open.some((fd) =>
      orNone(() => [readlinkSync(`/proc/${pid}/fd/${fd}`)]).some((one) => sockets.has(one)),
    )
    const [name] = isOwner ? orNone(() => [readFileSync(`/proc/${pid}/comm`, 'utf8').trim()]) : []
    if (name !== undefined) return { pid: Number(pid), name }
  }
  return undefined
}

/** As its descriptors are named: `socket:[inode]`. */
function listening(path: string, port: number): readonly string[] {
  return orNone(() => readFileSync(path, 'utf8').split('\n')).flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    const isIt = state === LISTENS && Number.parseInt(local.split(':')[1] ?? '', 16) === port
    return isIt ? [`socket:[${inode}]`] : []
  })
}

/** A process may end, and a file be closed, while it is looked at. */
function orNone<One>(read: () => readonly One[]): readonly One[] {
  try {
    return read()
  } catch {
    return []
  }
}
