// Package database handles what is inside an instance's database, and the settings of its Auth service.
package database

import (
	"context"
	"errors"

	"github.com/go-jose/go-jose/v4"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

// Deps is what these steps use.
type Deps struct{ Projects *supabase.Client }

// Open makes the client.
func Open(env step.Env) (Deps, error) { return Deps{supabase.New(env.Provider)}, nil }

// Migrate applies the schema's migrations. Each is applied once, under the database's own lock, so a replay goes on where
// the last one stopped.
func Migrate(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return run.SeeTo(ctx, fleet.DatabaseSchema, "migrations", func(ctx context.Context) error {
			return d.In(ctx, run, schema.Database.Migrate)
		})
	}
}

// Configure writes the instance's settings, with its vendor credentials encrypted, and its starting content, and sets the Auth service up.
// Settings write over what is there and content is written once, so a replay changes nothing.
func Configure(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		entry, err := project.Entry(ctx, run)
		if err != nil {
			return err
		}
		err = run.SeeTo(ctx, fleet.InstanceConfig, "settings", func(ctx context.Context) error {
			config, err := settings(ctx, run)
			if err != nil {
				return err
			}
			return d.In(ctx, run, func(db schema.Database, ctx context.Context) error { return db.WriteConfig(ctx, config) })
		})
		if err != nil {
			return err
		}
		if err := d.seed(ctx, run); err != nil {
			return err
		}
		return d.configureAuth(ctx, run, entry.ID)
	}
}

// settings is the instance's row of instance_config, with its plan's limits. What is not given stays at the database's defaults.
func settings(ctx context.Context, run *step.Run) (schema.Config, error) {
	key, err := run.Recall(ctx, fleet.ConfigKey)
	if err != nil {
		return schema.Config{}, err
	}
	account, err := run.Ledger(ctx, fleet.TwilioSubaccount, fleet.ResourceName(run.Instance.ID))
	if err != nil {
		return schema.Config{}, err
	}
	token, err := run.Recall(ctx, fleet.SMSToken)
	if err != nil {
		return schema.Config{}, err
	}
	mailKey, err := run.Recall(ctx, fleet.MailKey)
	if err != nil {
		return schema.Config{}, err
	}
	limits := fleet.PlanLimits(run.Signup.Plan, run.Signup.Tier)
	c := schema.Config{InstanceID: run.Instance.ID, MonthlySMSLimit: &limits.SMS, MonthlyEmailLimit: &limits.Email, MaxUsers: &limits.Users,
		PrimaryColor:   run.Signup.Branding.PrimaryColor,
		SecondaryColor: run.Signup.Branding.SecondaryColor, Timezone: run.Signup.Timezone, Locale: run.Signup.Locale}
	for _, field := range []struct {
		into  *string
		value string
	}{{&c.TwilioAccountSID, account.ID}, {&c.TwilioAuthToken, token.Reveal()}, {&c.SendGridAPIKey, mailKey.Reveal()}} {
		if *field.into, err = Encrypt(key, field.value); err != nil {
			return schema.Config{}, err
		}
	}
	return c, nil
}

// Encrypt makes a JWE in compact form (direct encryption, A256GCM, RFC 7516) of value under an instance's config key, which
// any JOSE library reads back.
func Encrypt(key provider.Secret, value string) (string, error) {
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: []byte(key.Reveal())}, nil)
	if err != nil {
		return "", unencrypted(err)
	}
	sealed, err := encrypter.Encrypt([]byte(value))
	if err != nil {
		return "", unencrypted(err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		return "", unencrypted(err)
	}
	return text, nil
}

func unencrypted(err error) error {
	return &fault.Error{Code: fault.Internal, Text: "a credential could not be encrypted", Err: err}
}

// In opens the instance's database for the time of do.
func (d Deps) In(ctx context.Context, run *step.Run, do func(schema.Database, context.Context) error) (err error) {
	entry, err := project.Entry(ctx, run)
	if err != nil {
		return err
	}
	at, err := project.Deps(d).Pooler(ctx, run, entry)
	if err != nil {
		return err
	}
	password, err := run.Recall(ctx, fleet.DatabasePassword)
	if err != nil {
		return err
	}
	db, err := run.Databases(ctx, d.Projects.DatabaseURL(entry.ID, at, password))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
	return do(db, ctx)
}
