package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// The buckets that functions use.
const (
	releases = "releases"
	exports  = "exports"
	history  = "history"
	audit    = "audit"
)

// Days that things are kept for, where package fleet doesn't say it: the audit archive as long as the law wants it (seven years with
// two leap days); what was begun and never ended, for longer than any run takes.
const (
	auditDays  = 2557
	accessDays = 90
	uploadDays = 2
)

// buckets makes one bucket for each kind of file.
func (d *data) buckets(c Config, n names) {
	access := d.bucket("AccessLogs", n.bucket("access-logs"), c, func(p *awss3.BucketProps) {
		// S3 delivers access logs to no bucket with another encryption.
		p.Encryption, p.EncryptionKey, p.BucketKeyEnabled = awss3.BucketEncryption_S3_MANAGED, nil, nil
		expiring(p, "", accessDays)
	})
	accept(access, "AwsSolutions-S1", "It is the bucket of access logs; one that logged into itself would grow without end.")
	logged := func(id, what string, change func(*awss3.BucketProps)) {
		d.bucket(id, n.bucket(what), c, func(p *awss3.BucketProps) {
			p.ServerAccessLogsBucket = access
			p.ServerAccessLogsPrefix = jsii.String(what + "/")
			change(p)
		})
	}
	logged("Releases", releases, func(p *awss3.BucketProps) {
		// A release is public once it is deployed; the function that reads it needs no key this way.
		p.Encryption, p.EncryptionKey, p.BucketKeyEnabled = awss3.BucketEncryption_S3_MANAGED, nil, nil
	})
	logged("Exports", exports, func(p *awss3.BucketProps) {
		expiring(p, fleet.RequestFolder, inDays(fleet.KeepExports))
		expiring(p, fleet.ProgressFolder, inDays(fleet.KeepExports))
		expiring(p, fleet.EndFolder, inDays(fleet.KeepEndExports)) // the termination has to find them
	})
	logged("Backups", "backups", func(p *awss3.BucketProps) { expiring(p, "", inDays(fleet.KeepBackups)) })
	logged("History", history, func(p *awss3.BucketProps) { expiring(p, "", inDays(fleet.KeepConfiguration)) })
	logged("AuditArchive", audit, func(p *awss3.BucketProps) {
		expiring(p, "", auditDays)
		p.ObjectLockEnabled = jsii.Bool(true)
		p.ObjectLockDefaultRetention = awss3.ObjectLockRetention_Governance(days(auditDays))
		if c.Stage == production {
			p.ObjectLockDefaultRetention = awss3.ObjectLockRetention_Compliance(days(auditDays))
		}
	})
}

// bucket is private, encrypted by the key of records, versioned, and reached over TLS only.
func (d *data) bucket(id, name string, c Config, change func(*awss3.BucketProps)) awss3.Bucket {
	props := &awss3.BucketProps{
		BucketName:        &name,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:        awss3.BucketEncryption_KMS,
		EncryptionKey:     d.records,
		BucketKeyEnabled:  jsii.Bool(true),
		EnforceSSL:        jsii.Bool(true),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		RemovalPolicy:     keep(c),
		Versioned:         jsii.Bool(true),
		LifecycleRules:    &[]*awss3.LifecycleRule{{AbortIncompleteMultipartUploadAfter: days(uploadDays)}},
	}
	change(props)
	return awss3.NewBucket(d.stack, &id, props)
}

// expiring removes objects whose keys begin so after some days, with the versions that are left of them. Of rules that overlap, S3 takes the
// one that removes first.
func expiring(p *awss3.BucketProps, prefix string, after float64) {
	rule := &awss3.LifecycleRule{Expiration: days(after), NoncurrentVersionExpiration: days(1)}
	if prefix != "" {
		rule.Prefix = &prefix
	}
	*p.LifecycleRules = append(*p.LifecycleRules, rule)
}

func days(n float64) awscdk.Duration { return awscdk.Duration_Days(&n) }

func inDays(d time.Duration) float64 { return d.Hours() / 24 }
