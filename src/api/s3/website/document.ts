import { S3Error } from '../error-codes.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'
import type { XmlContent } from '../xml/encode.ts'
import type { Protocol, Redirect, RoutingRule, WebsiteConfiguration } from './configuration.ts'

/** S3: 128 KB. */
export const WEBSITE_BODY = { maxBytes: 128 * 1024 } as const
const MAX_RULES = 50

/** `<WebsiteConfiguration>`: where all requests go, or an index, perhaps an error document and routing rules. */
export function readWebsite(document: Buffer): WebsiteConfiguration {
  const root = parseXml(document, 'WebsiteConfiguration', WEBSITE_BODY.maxBytes)
  root.allow('RedirectAllRequestsTo', 'IndexDocument', 'ErrorDocument', 'RoutingRules')
  const all = root.child('RedirectAllRequestsTo')
  if (all) {
    if (root.elements.length > 1) {
      throw invalid('RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.')
    }
    return { redirectAll: redirectAll(all) }
  }
  const errorKey = documentName(root, 'ErrorDocument', 'Key')
  return {
    indexSuffix: indexSuffix(root),
    ...(errorKey === undefined ? {} : { errorKey }),
    rules: routingRules(root.child('RoutingRules')),
  }
}

function redirectAll(element: XmlElement): { hostName: string; protocol?: Protocol } {
  element.allow('HostName', 'Protocol')
  const hostName = hostOf(element)
  if (hostName === undefined) throw new S3Error('MalformedXML')
  return { hostName, ...protocolOf(element) }
}

function indexSuffix(root: XmlElement): string {
  const suffix = documentName(root, 'IndexDocument', 'Suffix')
  if (suffix === undefined) {
    throw new S3Error(
      'InvalidArgument',
      'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty',
      { extra: { ArgumentName: 'IndexDocument', ArgumentValue: 'null' } },
    )
  }
  if (suffix.includes('/')) throw notWellFormed('IndexDocument', 'Suffix')
  return suffix
}

function documentName(root: XmlElement, name: string, member: string): string | undefined {
  const element = root.child(name)
  if (!element) return undefined
  element.allow(member)
  const text = element.text(member)
  if (text === undefined) throw new S3Error('MalformedXML')
  if (text === '') throw notWellFormed(name, member)
  return text
}

function routingRules(element: XmlElement | undefined): RoutingRule[] {
  if (!element) return []
  element.allow('RoutingRule')
  const rules = element.children('RoutingRule')
  if (rules.length === 0) throw new S3Error('MalformedXML')
  if (rules.length > MAX_RULES) {
    throw invalid(
      `${rules.length} routing rules provided, the number of routing rules in a website configuration is limited to ${MAX_RULES}.`,
    )
  }
  return rules.map(ruleOf)
}

function ruleOf(element: XmlElement): RoutingRule {
  element.allow('Condition', 'Redirect')
  const redirect = element.child('Redirect')
  if (!redirect) throw new S3Error('MalformedXML')
  return { ...conditionOf(element.child('Condition')), redirect: redirectOf(redirect) }
}

function conditionOf(element: XmlElement | undefined): Omit<RoutingRule, 'redirect'> {
  if (!element) return {}
  element.allow('KeyPrefixEquals', 'HttpErrorCodeReturnedEquals')
  const keyPrefix = element.text('KeyPrefixEquals')
  const status = element.text('HttpErrorCodeReturnedEquals')
  if (keyPrefix === undefined && status === undefined) {
    throw invalid(
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
    )
  }
  if (status !== undefined && !/^[45]\d\d$/.test(status)) {
    throw invalid(`The provided HTTP error code (${status}) is not valid. Valid codes are 4XX or 5XX.`)
  }
  return {
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(status === undefined ? {} : { errorStatus: Number(status) }),
  }
}

function redirectOf(element: XmlElement): Redirect {
  element.allow('HostName', 'HttpRedirectCode', 'Protocol', 'ReplaceKeyPrefixWith', 'ReplaceKeyWith')
  if (element.elements.length === 0) throw new S3Error('MalformedXML')
  const status = element.text('HttpRedirectCode')
  if (status !== undefined && (!/^3\d\d$/.test(status) || status === '300')) {
    throw invalid(`The provided HTTP redirect code (${status}) is not valid. Valid codes are 3XX except 300.`)
  }
  const hostName = hostOf(element)
  const replaceKeyPrefixWith = element.text('ReplaceKeyPrefixWith')
  const replaceKeyWith = element.text('ReplaceKeyWith')
  if (replaceKeyPrefixWith !== undefined && replaceKeyWith !== undefined) {
    throw invalid('You can only define ReplaceKeyPrefix or ReplaceKey but not both.')
  }
  return {
    ...(hostName === undefined ? {} : { hostName }),
    ...protocolOf(element),
    ...(status === undefined ? {} : { status: Number(status) }),
    ...(replaceKeyPrefixWith === undefined ? {} : { replaceKeyPrefixWith }),
    ...(replaceKeyWith === undefined ? {} : { replaceKeyWith }),
  }
}

/** It goes into the header Location. Names, addresses and a port. */
function hostOf(element: XmlElement): string | undefined {
  const text = element.text('HostName')
  if (text === undefined || /^[A-Za-z0-9.:_[\]-]+$/.test(text)) return text
  throw new S3Error('InvalidArgument', 'The HostName is not well formed.', {
    extra: { ArgumentName: 'HostName', ArgumentValue: text },
  })
}

function protocolOf(element: XmlElement): { protocol?: Protocol } {
  const text = element.text('Protocol')?.toLowerCase()
  if (text === undefined) return {}
  if (text === 'http' || text === 'https') return { protocol: text }
  throw invalid(
    'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.',
  )
}

const notWellFormed = (name: string, member: string): S3Error =>
  new S3Error('InvalidArgument', `The ${name} ${member} is not well formed`, { extra: { ArgumentName: name } })

const invalid = (message: string): S3Error => new S3Error('InvalidRequest', message)

export function websiteContent(website: WebsiteConfiguration): XmlContent {
  if ('redirectAll' in website) {
    const { hostName, protocol } = website.redirectAll
    return { RedirectAllRequestsTo: { HostName: hostName, Protocol: protocol } }
  }
  const { indexSuffix, errorKey, rules } = website
  return {
    IndexDocument: { Suffix: indexSuffix },
    ErrorDocument: errorKey === undefined ? undefined : { Key: errorKey },
    RoutingRules: rules.length === 0 ? undefined : { RoutingRule: rules.map(ruleContent) },
  }
}

function ruleContent({ keyPrefix, errorStatus, redirect }: RoutingRule): XmlContent {
  const condition = { KeyPrefixEquals: keyPrefix, HttpErrorCodeReturnedEquals: errorStatus }
  return {
    Condition: keyPrefix === undefined && errorStatus === undefined ? undefined : condition,
    Redirect: {
      Protocol: redirect.protocol,
      HostName: redirect.hostName,
      ReplaceKeyPrefixWith: redirect.replaceKeyPrefixWith,
      ReplaceKeyWith: redirect.replaceKeyWith,
      HttpRedirectCode: redirect.status,
    },
  }
}
