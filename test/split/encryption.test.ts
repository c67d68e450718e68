import './split.ts'
import '../s3/bucket-encryption.test.ts'
import '../s3/customer-keys.test.ts'
import '../s3/kms-encryption.test.ts'
