import './split.ts'
import '../s3/customer-managed.test.ts'
