import { deleteBucketConfig, getBucketConfig, NAMESPACE, putBucketConfig } from './s3.ts'
import { childrenOf, escapeXml, parseXml, textIn } from './xml.ts'

export interface LifecycleRule {
  readonly id: string
  readonly isEnabled: boolean
  /** What it is about, in words: `under logs/`, `everything`. */
  readonly filter: string
  /** What it does, in words. */
  readonly actions: readonly string[]
  /** As the bucket has it. */
  readonly xml: string
}

export async function getLifecycle(bucket: string, signal?: AbortSignal): Promise<readonly LifecycleRule[]> {
  const text = await getBucketConfig(bucket, 'lifecycle', signal)
  const root = text === undefined ? undefined : parseXml(text)
  return root ? childrenOf(root, 'Rule').map(ruleOf) : []
}

/** All of them, in place of those that there are. */
export async function putLifecycle(bucket: string, rules: readonly Pick<LifecycleRule, 'xml'>[]): Promise<void> {
  if (rules.length === 0) return deleteBucketConfig(bucket, 'lifecycle')
  const body = `<LifecycleConfiguration xmlns="${NAMESPACE}">${rules.map(({ xml }) => xml).join('')}</LifecycleConfiguration>`
  await putBucketConfig(bucket, 'lifecycle', body)
}

export interface NewRule {
  readonly id: string
  readonly prefix: string
  readonly expirationDays: number | undefined
  readonly noncurrentDays: number | undefined
  readonly abortDays: number | undefined
}

export function ruleXml({ id, prefix, expirationDays, noncurrentDays, abortDays }: NewRule): string {
  const days = (outer: string, inner: string, count: number | undefined): string =>
    count === undefined ? '' : `<${outer}><${inner}>${count}</${inner}></${outer}>`
  return [
    `<Rule xmlns="${NAMESPACE}"><ID>${escapeXml(id)}</ID><Filter><Prefix>${escapeXml(prefix)}</Prefix></Filter><Status>Enabled</Status>`,
    days('Expiration', 'Days', expirationDays),
    days('NoncurrentVersionExpiration', 'NoncurrentDays', noncurrentDays),
    days('AbortIncompleteMultipartUpload', 'DaysAfterInitiation', abortDays),
    '</Rule>',
  ].join('')
}

function ruleOf(rule: Element): LifecycleRule {
  return {
    id: textIn(rule, 'ID'),
    isEnabled: textIn(rule, 'Status') === 'Enabled',
    filter: filterOf(rule),
    actions: [...rule.children].flatMap(actionOf),
    xml: new XMLSerializer().serializeToString(rule),
  }
}

function filterOf(rule: Element): string {
  const prefix = rule.getElementsByTagName('Prefix')[0]?.textContent ?? ''
  const tags = [...rule.getElementsByTagName('Tag')].map((tag) => `${textIn(tag, 'Key')}=${textIn(tag, 'Value')}`)
  const words = [
    ...(prefix === '' ? [] : [`under ${prefix}`]),
    ...(tags.length > 0 ? [`tagged ${tags.join(', ')}`] : []),
  ]
  return words.length === 0 ? 'everything' : words.join(', ')
}

function actionOf(element: Element): readonly string[] {
  const days = textIn(element, 'Days') || textIn(element, 'NoncurrentDays') || textIn(element, 'DaysAfterInitiation')
  const when = days === '' ? textIn(element, 'Date') : `after ${days} ${days === '1' ? 'day' : 'days'}`
  switch (element.localName) {
    case 'Expiration':
      return textIn(element, 'ExpiredObjectDeleteMarker') === 'true'
        ? ['drops lone delete markers']
        : [`deletes ${when}`]
    case 'NoncurrentVersionExpiration':
      return [`deletes earlier versions ${when}`]
    case 'AbortIncompleteMultipartUpload':
      return [`drops unfinished uploads ${when}`]
    case 'Transition':
    case 'NoncurrentVersionTransition':
      return [`moves to ${textIn(element, 'StorageClass')} ${when}`]
    default:
      return []
  }
}
