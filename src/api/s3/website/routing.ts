import { encodeComponent } from '../uri.ts'
import type { Elsewhere, Redirect, RoutingRule, Site } from './configuration.ts'

/** What a browser asked the website for. */
export interface PageRequest {
  readonly secure: boolean
  /** The header, with its port. */
  readonly host: string
  /** Decoded; '' for the root. */
  readonly key: string
  /** As sent. */
  readonly rawPath: string
  readonly rawQuery: string
}

export interface Moved {
  readonly status: number
  readonly location: string
}

/** The object that a page is: of a folder, its index. */
export const pageKey = (key: string, { indexSuffix }: Pick<Site, 'indexSuffix'>): string =>
  key === '' || key.endsWith('/') ? `${key}${indexSuffix}` : key

/** Where all requests go. */
export function movedAltogether(page: PageRequest, { redirectAll }: Elsewhere): Moved {
  const { hostName, protocol = page.secure ? 'https' : 'http' } = redirectAll
  return { status: 301, location: `${protocol}://${hostName}${page.rawPath}${queryOf(page)}` }
}

/**
 * By the first rule whose condition holds. `errorStatus`: the error that the page would be; undefined before it is looked
 * for, when only rules count that don't ask for an error.
 */
export function movedByRule(
  page: PageRequest,
  { rules }: Pick<Site, 'rules'>,
  errorStatus: number | undefined,
): Moved | undefined {
  const rule = rules.find((one) => one.errorStatus === errorStatus && page.key.startsWith(one.keyPrefix ?? ''))
  return rule && moved(page, rule, rule.redirect)
}

function moved(page: PageRequest, rule: RoutingRule, redirect: Redirect): Moved {
  const { hostName = page.host, protocol = page.secure ? 'https' : 'http', status = 301 } = redirect
  const path = encodeComponent(newKey(page.key, rule, redirect), true)
  return { status, location: `${protocol}://${hostName}/${path}${queryOf(page)}` }
}

function newKey(key: string, { keyPrefix = '' }: RoutingRule, redirect: Redirect): string {
  const { replaceKeyWith, replaceKeyPrefixWith } = redirect
  if (replaceKeyWith !== undefined) return replaceKeyWith
  return replaceKeyPrefixWith === undefined ? key : `${replaceKeyPrefixWith}${key.slice(keyPrefix.length)}`
}

/** From a folder without its slash to the folder: relative addresses in its index would lead elsewhere. */
export const movedToFolder = ({ key }: PageRequest): Moved => ({
  status: 302,
  // Two slashes at the start would name another host.
  location: `/${encodeComponent(key, true).replace(/^\//, '%2F')}/`,
})

const queryOf = ({ rawQuery }: PageRequest): string => (rawQuery === '' ? '' : `?${rawQuery}`)
