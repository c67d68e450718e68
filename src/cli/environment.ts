import { homedir } from 'node:os'
import { join } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** The process's own environment: of this room, read here alone. */
export const processEnvironment = (): Environment => process.env

/** Undefined for what is empty, too. */
export const given = (environment: Environment, ...names: readonly string[]): string | undefined =>
  names.map((name) => environment[name]).find((value) => value !== undefined && value !== '')

export const configDirectory = (environment: Environment): string =>
  join(environment['XDG_CONFIG_HOME'] || join(environment['HOME'] || homedir(), '.config'), 'coffer')

/** What is needed again and can be thrown away: uploads under way. */
export const stateDirectory = (environment: Environment): string =>
  join(environment['XDG_STATE_HOME'] || join(environment['HOME'] || homedir(), '.local/state'), 'coffer')
