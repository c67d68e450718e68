import type { FuzzTarget } from '../target.ts'
import { accessPolicyTarget } from './access-policy.ts'
import { auditLineTarget } from './audit-line.ts'
import { awsChunkedTarget } from './aws-chunked.ts'
import { backupManifestTarget, backupRowsTarget, keyBundleTarget } from './backups.ts'
import { crnTarget } from './crn.ts'
import { decryptRecordsTarget, decryptReplicaTarget, proveFilesTarget, proveReportTarget } from './decrypt-readers.ts'
import { envelopeHeaderTarget, envelopePartTarget, manifestTarget, smallEnvelopeTarget } from './envelope.ts'
import { headersTarget } from './headers.ts'
import { jsonBodiesTarget } from './json-bodies.ts'
import { levelLogTarget, levelTableTarget } from './level-files.ts'
import { packTarget } from './packs.ts'
import { postFormTarget } from './post-form.ts'
import { postPolicyTarget } from './post-policy.ts'
import { queryFormTarget } from './query-form.ts'
import { recordsTarget } from './records.ts'
import { replicaTarget } from './replica.ts'
import { s3DocumentsTarget } from './s3-documents.ts'
import { settingsFileTarget, settingsTarget } from './settings.ts'
import { signedRequestTarget } from './signed-request.ts'
import { iamRowsTarget, kmsRowsTarget } from './stored-rows.ts'
import { xmlTarget } from './xml.ts'

export const TARGETS: readonly FuzzTarget[] = [
  ...[
    xmlTarget,
    s3DocumentsTarget,
    signedRequestTarget,
    headersTarget,
    awsChunkedTarget,
    postPolicyTarget,
    postFormTarget,
  ],
  ...[queryFormTarget, jsonBodiesTarget, crnTarget, accessPolicyTarget],
  ...[envelopeHeaderTarget, envelopePartTarget, manifestTarget, smallEnvelopeTarget, replicaTarget, recordsTarget],
  ...[kmsRowsTarget, iamRowsTarget, backupManifestTarget, backupRowsTarget, keyBundleTarget],
  ...[decryptReplicaTarget, decryptRecordsTarget, proveFilesTarget, proveReportTarget],
  ...[levelLogTarget, levelTableTarget, packTarget, auditLineTarget, settingsFileTarget, settingsTarget],
]
