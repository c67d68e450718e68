import {
  DeleteBucketWebsiteCommand,
  GetBucketWebsiteCommand,
  PutBucketWebsiteCommand,
  type WebsiteConfiguration,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const Bucket = 'objects'
const put = (WebsiteConfiguration: WebsiteConfiguration) =>
  test.s3.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }))
const get = async () => {
  const { $metadata: _, ...website } = await test.s3.send(new GetBucketWebsiteCommand({ Bucket }))
  return website
}
const remove = () => test.s3.send(new DeleteBucketWebsiteCommand({ Bucket }))
const putRaw = (inside: string) =>
  sendRaw(test.s3Url, {
    ...{ method: 'PUT', path: '/objects', query: { website: '' } },
    body: `<WebsiteConfiguration>${inside}</WebsiteConfiguration>`,
  })

const PLAIN: WebsiteConfiguration = { IndexDocument: { Suffix: 'index.html' } }
const FULL: WebsiteConfiguration = {
  IndexDocument: { Suffix: 'index.html' },
  ErrorDocument: { Key: 'errors/4xx.html' },
  RoutingRules: [
    { Condition: { KeyPrefixEquals: 'docs/' }, Redirect: { ReplaceKeyPrefixWith: 'documents/' } },
    {
      Condition: { HttpErrorCodeReturnedEquals: '404', KeyPrefixEquals: 'a' },
      Redirect: { HostName: 'example.com', Protocol: 'https', ReplaceKeyWith: 'report', HttpRedirectCode: '302' },
    },
    { Redirect: { HostName: 'example.org:8080' } },
  ],
}
const INDEX = '<IndexDocument><Suffix>i</Suffix></IndexDocument>'
const rule = (inside: string) => `${INDEX}<RoutingRules><RoutingRule>${inside}</RoutingRule></RoutingRules>`
const REDIRECT = '<Redirect><HostName>h</HostName></Redirect>'

describe('the website of a bucket', () => {
  it('is set, told as it was given, replaced and removed', async () => {
    expect(await refusal(get())).toBe('404 NoSuchWebsiteConfiguration')
    await put(FULL)
    expect(await get()).toEqual(FULL)
    await put(PLAIN)
    expect(await get()).toEqual(PLAIN)
    const elsewhere = { RedirectAllRequestsTo: { HostName: 'example.com', Protocol: 'https' as const } }
    await put(elsewhere)
    expect(await get()).toEqual(elsewhere)
    expect((await remove()).$metadata.httpStatusCode).toBe(204)
    expect(await refusal(get())).toBe('404 NoSuchWebsiteConfiguration')
  })

  it.each([
    ['nothing', '', '400 InvalidArgument', 'A value for IndexDocument Suffix must be provided'],
    [
      'an index in a folder',
      '<IndexDocument><Suffix>a/b</Suffix></IndexDocument>',
      '400 InvalidArgument',
      'IndexDocument Suffix is not',
    ],
    [
      'an index without a name',
      '<IndexDocument><Suffix></Suffix></IndexDocument>',
      '400 InvalidArgument',
      'IndexDocument Suffix is not',
    ],
    [
      'an error document without a name',
      `${INDEX}<ErrorDocument><Key/></ErrorDocument>`,
      '400 InvalidArgument',
      'ErrorDocument Key is not',
    ],
    [
      'two purposes',
      `${INDEX}<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>`,
      '400 InvalidRequest',
      'in conjunction',
    ],
    [
      'another protocol',
      '<RedirectAllRequestsTo><HostName>h</HostName><Protocol>ftp</Protocol></RedirectAllRequestsTo>',
      '400 InvalidRequest',
      'Invalid protocol',
    ],
    ['no host', '<RedirectAllRequestsTo/>', '400 MalformedXML', ''],
    [
      'a host that is none',
      '<RedirectAllRequestsTo><HostName>h/p</HostName></RedirectAllRequestsTo>',
      '400 InvalidArgument',
      'HostName',
    ],
    [
      '51 rules',
      `${INDEX}<RoutingRules>${`<RoutingRule>${REDIRECT}</RoutingRule>`.repeat(51)}</RoutingRules>`,
      '400 InvalidRequest',
      '51 routing rules provided',
    ],
    ['no rules', `${INDEX}<RoutingRules/>`, '400 MalformedXML', ''],
    [
      'a rule that leads nowhere',
      rule('<Condition><KeyPrefixEquals>a</KeyPrefixEquals></Condition>'),
      '400 MalformedXML',
      '',
    ],
    ['an empty redirect', rule('<Redirect/>'), '400 MalformedXML', ''],
    ['an empty condition', rule(`<Condition/>${REDIRECT}`), '400 InvalidRequest', 'Condition cannot be empty'],
    [
      'a condition on what is no error',
      rule(`<Condition><HttpErrorCodeReturnedEquals>200</HttpErrorCodeReturnedEquals></Condition>${REDIRECT}`),
      '400 InvalidRequest',
      'HTTP error code (200)',
    ],
    [
      'a status that is no redirect',
      rule('<Redirect><HttpRedirectCode>300</HttpRedirectCode></Redirect>'),
      '400 InvalidRequest',
      'HTTP redirect code (300)',
    ],
    [
      'two keys',
      rule('<Redirect><ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith></Redirect>'),
      '400 InvalidRequest',
      'not both',
    ],
    ['an unknown element', `${INDEX}<Colour/>`, '400 MalformedXML', ''],
  ])('with %s is refused, and what was there stays', async (_what, inside, expected, told) => {
    await put(PLAIN)
    const reply = await putRaw(inside)
    expect(outcome(reply)).toBe(expected)
    expect(reply.body.toString()).toContain(told)
    expect(await get()).toEqual(PLAIN)
  })
})
