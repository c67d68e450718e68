import { useState } from 'preact/hooks'
import { session } from '../../client/session.ts'
import { Card } from '../../parts/card.tsx'
import { CodeBlock } from '../../parts/code-block.tsx'
import { Note } from '../../parts/note.tsx'
import { Segmented } from '../../parts/segmented.tsx'

const CLIENTS = [
  { value: 'aws', label: 'aws CLI' },
  { value: 'sdk', label: 'SDK v3' },
  { value: 'rclone', label: 'rclone' },
  { value: 'mc', label: 'mc' },
] as const
type Client = (typeof CLIENTS)[number]['value']

export function ConnectClient() {
  const [client, setClient] = useState<Client>('aws')
  return (
    <Card
      title="Connect a client"
      actions={<Segmented label="Client" value={client} options={CLIENTS} onChange={setClient} />}
    >
      <div class="stack">
        <CodeBlock text={textFor(client)} />
        <Note>
          <span class="small">
            The secret key was shown once, when it was made: nobody can show it again. A narrower key for each
            application is made under Users &amp; service IDs.
          </span>
        </Note>
      </div>
    </Card>
  )
}

function textFor(client: Client): string {
  const { s3, accessKeyId = '<access key>' } = session()
  const [url, region] = [s3?.url ?? '', s3?.region ?? 'us-east-1']
  switch (client) {
    case 'aws':
      return `export AWS_ENDPOINT_URL_S3=${url}
export AWS_ACCESS_KEY_ID=${accessKeyId}
export AWS_SECRET_ACCESS_KEY=<secret key>
export AWS_REGION=${region}

aws s3 mb s3://hello
aws s3 cp photo.jpg s3://hello/`
    case 'sdk':
      return `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

const s3 = new S3Client({
  endpoint: '${url}',
  region: '${region}',
  forcePathStyle: true,
  credentials: { accessKeyId: '${accessKeyId}', secretAccessKey: '<secret key>' },
})
await s3.send(new PutObjectCommand({ Bucket: 'hello', Key: 'a.txt', Body: 'hello' }))`
    case 'rclone':
      return `rclone config create coffer s3 provider=Other \\
  endpoint=${url} region=${region} \\
  access_key_id=${accessKeyId} secret_access_key=<secret key>

rclone mkdir coffer:hello
rclone copy photo.jpg coffer:hello/`
    case 'mc':
      return `mc alias set coffer ${url} ${accessKeyId} '<secret key>'

mc mb coffer/hello
mc cp photo.jpg coffer/hello/`
  }
}
