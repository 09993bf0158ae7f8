package vercel_test

import "crypto/sha1" //nolint:gosec // Vercel names uploaded files by SHA-1

func sha1Sum(content []byte) [sha1.Size]byte { return sha1.Sum(content) } //nolint:gosec // see the import
