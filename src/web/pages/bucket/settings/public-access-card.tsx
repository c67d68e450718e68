import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import { getBucketConfig, NAMESPACE, putBucketConfig } from '../../../client/s3.ts'
import { parseXml } from '../../../client/xml.ts'
import { Card } from '../../../parts/card.tsx'
import { Switch } from '../../../parts/checkbox.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Loaded } from '../../../parts/loaded.tsx'
import { toast } from '../../../parts/toast.tsx'
import { useLoad } from '../../../use-load.ts'
import { storageName } from '../../../use-rights.ts'

const RULES = [
  ['BlockPublicAcls', 'Refuse ACLs that make public'],
  ['IgnorePublicAcls', 'Heed no ACL that makes public'],
  ['BlockPublicPolicy', 'Refuse policies that make public'],
  ['RestrictPublicBuckets', 'A public policy lets nobody in from outside'],
] as const

export function PublicAccessCard(props: { readonly bucket: string; readonly refusal: string | undefined }) {
  const { bucket, refusal } = props
  const stored = useLoad(async (signal) => (await getBucketConfig(bucket, 'publicAccessBlock', signal)) ?? '', [bucket])
  const [error, setError] = useState<ApiError>()
  return (
    <Card title="Public access" note="What is on keeps the public out, whatever else allows it">
      <Loaded
        load={stored}
        failed="The public access block could not be read."
        needs={`Manager on ${storageName()}`}
        skeletonRows={3}
      >
        {(text) => {
          const root = text === '' ? undefined : parseXml(text)
          const isOn = (name: string): boolean => root?.getElementsByTagName(name)[0]?.textContent === 'true'
          const change = (changed: string, wanted: boolean): void => {
            const items = RULES.map(([name]) => `<${name}>${name === changed ? wanted : isOn(name)}</${name}>`)
            const body = `<PublicAccessBlockConfiguration xmlns="${NAMESPACE}">${items.join('')}</PublicAccessBlockConfiguration>`
            setError(undefined)
            putBucketConfig(bucket, 'publicAccessBlock', body)
              .then(() => {
                stored.reload()
                toast('Public access was changed')
              })
              .catch((cause: unknown) => setError(toApiError(cause)))
          }
          return (
            <div class="stack tight">
              {RULES.map(([name, words]) => (
                <Switch
                  key={name}
                  label={words}
                  isOn={isOn(name)}
                  disabledBecause={refusal}
                  onChange={(wanted) => change(name, wanted)}
                />
              ))}
            </div>
          )
        }}
      </Loaded>
      {error && <ErrorState title="It could not be changed." error={error} />}
    </Card>
  )
}
