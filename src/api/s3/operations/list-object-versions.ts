import type { ListedVersion } from '../../../objects/list-versions.ts'
import { shownOwner } from '../access/shown-owner.ts'
import { S3Error } from '../error-codes.ts'
import { isoTime, listedContent, listParameters, nameEncoder, ownerElements } from '../list-query.ts'
import { defineOperation } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { bucketTarget, checkVersionId } from '../target.ts'
import { escapeXml } from '../xml/encode.ts'
import { xmlReply } from '../xml-reply.ts'

export const listObjectVersions = defineOperation({
  name: 'ListObjectVersions',
  method: 'GET',
  on: 'bucket',
  query: { versions: true },
  action: 's3:ListBucketVersions',
  parse: (request) => ({
    name: bucketTarget(request),
    ...markers(request),
    parameters: listParameters(request, 'max-keys'),
  }),
  run: async ({ name, keyMarker, versionIdMarker, parameters }, { objects }) => {
    const { prefix, delimiter, limit, encodingType } = parameters
    const bucket = objects.buckets.get(name)
    const page = await objects.listVersions({ bucket, prefix, delimiter, keyMarker, versionIdMarker, limit })
    const encode = nameEncoder(parameters)
    const ownerOf = shownOwner(objects, bucket)
    const element = ownerElements()
    const next = page.truncated && page.last !== undefined
    return xmlReply('ListVersionsResult', {
      Name: name,
      Prefix: encode(prefix),
      KeyMarker: encode(keyMarker),
      VersionIdMarker: versionIdMarker,
      ...(next ? { NextKeyMarker: encode(page.last ?? '') } : {}),
      ...(next && page.lastVersionId !== undefined ? { NextVersionIdMarker: page.lastVersionId } : {}),
      MaxKeys: limit,
      ...(delimiter ? { Delimiter: encode(delimiter) } : {}),
      IsTruncated: page.truncated,
      ...(encodingType ? { EncodingType: encodingType } : {}),
      '#xml': page.items.map((item) => listed(item, element(ownerOf(item.owner)), encode)).join(''),
      CommonPrefixes: page.commonPrefixes.map((common) => ({ Prefix: encode(common) })),
    })
  },
})

function markers({ query }: S3Request): { readonly keyMarker: string; readonly versionIdMarker: string } {
  const keyMarker = query.get('key-marker') ?? ''
  const versionIdMarker = query.get('version-id-marker')
  if (versionIdMarker === undefined) return { keyMarker, versionIdMarker: '' }
  const argument = { ArgumentName: 'version-id-marker', ArgumentValue: versionIdMarker }
  if (!query.has('key-marker')) {
    throw new S3Error('InvalidArgument', 'A version-id marker cannot be specified without a key marker.', {
      extra: argument,
    })
  }
  // Clients send it empty with the first page.
  if (versionIdMarker !== '') checkVersionId('version-id-marker', versionIdMarker)
  return { keyMarker, versionIdMarker }
}

function listed(item: ListedVersion, owner: string, encode: (name: string) => string): string {
  const { key, versionId, isLatest, deleteMarker, modifiedAtMs } = item
  const common =
    `<Key>${escapeXml(encode(key))}</Key><VersionId>${escapeXml(versionId)}</VersionId><IsLatest>${isLatest}</IsLatest>` +
    `<LastModified>${isoTime(modifiedAtMs)}</LastModified>${owner}`
  return deleteMarker ? `<DeleteMarker>${common}</DeleteMarker>` : `<Version>${common}${listedContent(item)}</Version>`
}
