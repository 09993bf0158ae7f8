package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"

	"golang.org/x/sync/errgroup"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/step"
)

// operationMeta is the deployment's meta field by which a lost one is found again.
const operationMeta = "operationId"

// Deploy sets the instance's environment and deploys the release's files with the instance's own config.js. The environment
// is written over what is there; the deployment is found again by its operation; of the files only those are uploaded that
// Vercel doesn't have yet.
func Deploy(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		frontend, err := run.Ledger(ctx, fleet.VercelProject, fleet.ResourceName(run.Instance.ID))
		if err != nil {
			return err
		}
		public, err := publicVariables(ctx, run)
		if err != nil {
			return err
		}
		err = run.Change(ctx, step.Change{Kind: fleet.FrontendSettings, Name: "environment", Apply: func(ctx context.Context) error {
			return d.setEnvironment(ctx, run, frontend.ID, public)
		}})
		if err != nil {
			return err
		}
		files, contents, err := releaseFiles(run.Release)
		if err != nil {
			return err
		}
		look, err := lookVariables(ctx, run)
		if err != nil {
			return err
		}
		config, err := configFile(public, look)
		if err != nil {
			return err
		}
		res := d.Deployment(frontend, run.Operation.ID)
		res.Create = func(ctx context.Context, operation string) (step.Found, error) {
			return d.deploy(ctx, vercel.NewDeployment{Project: frontend.ID, Name: frontend.Name, Files: append(files, config),
				Meta: map[string]string{operationMeta: operation}}, contents)
		}
		return run.Ensure(ctx, res)
	}
}

// Deployment is the deployment that an operation made on a Vercel project, named by the operation.
func (d Deps) Deployment(frontend fleet.Resource, operationID string) step.Resource {
	return step.Resource{
		Kind: fleet.VercelDeployment,
		Name: operationID,
		Find: func(ctx context.Context, operation string) ([]step.Found, error) {
			deployments, err := d.Vercel.FindDeployments(ctx, frontend.ID, operationMeta, operation)
			found := make([]step.Found, 0, len(deployments))
			for _, dep := range deployments {
				found = append(found, step.Found{ID: dep.ID, Attributes: map[string]string{"url": dep.URL}})
			}
			return found, err
		},
		Delete: d.Vercel.DeleteDeployment,
	}
}

// deploy creates a deployment. Where Vercel lacks files it is refused, with nothing made: those are uploaded, and it is
// created after all. What was uploaded stays, so that an invocation whose time is up leaves less to the next one.
func (d Deps) deploy(ctx context.Context, wanted vercel.NewDeployment, contents map[string][]byte) (step.Found, error) {
	dep, err := d.Vercel.CreateDeployment(ctx, wanted)
	if lacking, ok := errors.AsType[*vercel.MissingFiles](err); ok {
		if err := d.upload(ctx, lacking.Digests, contents); err != nil {
			return step.Found{}, step.Unsent(err)
		}
		dep, err = d.Vercel.CreateDeployment(ctx, wanted)
	}
	return step.Found{ID: dep.ID, Attributes: map[string]string{"url": dep.URL}}, err
}

// parallelUploads is how many files are uploaded at once.
const parallelUploads = 4

// upload stores the files of these digests, some at a time, and ends at the first failure.
func (d Deps) upload(ctx context.Context, digests []string, contents map[string][]byte) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelUploads)
	for _, digest := range digests {
		content, ours := contents[digest]
		if !ours {
			return errors.Join(fault.New(fault.Rejected, "Vercel misses a file that the release doesn't have"), group.Wait())
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return fault.New(fault.NotReady, "another upload failed")
			}
			_, err := d.Vercel.UploadFile(ctx, content)
			return err
		})
	}
	return group.Wait()
}

// publicVariables are what the browser may know.
func publicVariables(ctx context.Context, run *step.Run) (map[string]string, error) {
	backend, err := run.Ledger(ctx, fleet.SupabaseProject, fleet.ResourceName(run.Instance.ID))
	if err != nil {
		return nil, err
	}
	anonymous, err := run.Recall(ctx, fleet.AnonymousKey)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"VITE_SUPABASE_URL":      provider.ForProject(run.Provider.Endpoints.SupabaseProject, backend.ID),
		"VITE_SUPABASE_ANON_KEY": anonymous.Reveal(),
		"VITE_INSTANCE_ID":       run.Instance.ID,
	}, nil
}

// setEnvironment gives the instance's functions what the browser knows, the one origin they answer browsers of, the Messaging
// Service to send by, the key that verifies what SendGrid posts, and as sensitive variables the key to instance_config and the Twilio key.
func (d Deps) setEnvironment(ctx context.Context, run *step.Run, frontendID string, public map[string]string) error {
	configKey, err := run.Recall(ctx, fleet.ConfigKey)
	if err != nil {
		return step.Unsent(err)
	}
	smsSecret, err := run.Recall(ctx, fleet.SMSKeySecret)
	if err != nil {
		return step.Unsent(err)
	}
	smsKey, err := run.Ledger(ctx, fleet.TwilioKey, fleet.ResourceName(run.Instance.ID))
	if err != nil {
		return step.Unsent(err)
	}
	heard, err := hearing(ctx, run)
	if err != nil {
		return step.Unsent(err)
	}
	variables := []vercel.Variable{
		{Key: "INSTANCE_CONFIG_KEY", Value: configKey, Sensitive: true},
		{Key: "TWILIO_API_KEY_SID", Value: provider.NewSecret(smsKey.ID)},
		{Key: "TWILIO_API_KEY_SECRET", Value: smsSecret, Sensitive: true},
		{Key: "CORS_ALLOWED_ORIGIN", Value: provider.NewSecret(run.Instance.Origin())},
	}
	variables = append(variables, heard...)
	for key, value := range public {
		variables = append(variables, vercel.Variable{Key: key, Value: provider.NewSecret(value)})
	}
	return d.Vercel.SetEnvironment(ctx, frontendID, variables)
}

// hearing are the variables by which the instance's functions send messages that are reported on, and know that a report on mail
// is SendGrid's. Executions whose accounts were made before there were any go on without.
func hearing(ctx context.Context, run *step.Run) (variables []vercel.Variable, err error) {
	name := fleet.ResourceName(run.Instance.ID)
	service, err := run.Store.Resource(ctx, run.Instance.ID, fleet.TwilioService, name)
	if err != nil {
		return nil, err
	}
	if service != nil {
		variables = append(variables, vercel.Variable{Key: "TWILIO_MESSAGING_SERVICE_SID", Value: provider.NewSecret(service.ID)})
	}
	postings, err := run.Store.Resource(ctx, run.Instance.ID, fleet.SendGridPostings, name)
	if err != nil {
		return nil, err
	}
	if postings != nil {
		variables = append(variables, vercel.Variable{Key: "SENDGRID_WEBHOOK_PUBLIC_KEY", Value: provider.NewSecret(postings.Attributes[fleet.PostingKey])})
	}
	return variables, nil
}

// configFile is the one file that differs between instances: Vite bakes variables in at build time, so files that all share
// can't carry them.
func configFile(public, look map[string]string) (vercel.File, error) {
	all := maps.Clone(public)
	maps.Copy(all, look)
	text, err := json.Marshal(all)
	if err != nil {
		return vercel.File{}, &fault.Error{Code: fault.Internal, Text: "config.js does not encode", Err: err}
	}
	content := append(append([]byte("window.__GIMBAL__ = "), text...), ";\n"...)
	return vercel.File{Path: "config.js", Inline: content}, nil
}

// releaseFiles names a release's files by digest, and gives their contents by digest.
func releaseFiles(release fs.FS) (files []vercel.File, contents map[string][]byte, err error) {
	contents = map[string][]byte{}
	err = fs.WalkDir(release, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == "config.js" {
			return err
		}
		content, err := fs.ReadFile(release, path)
		if err != nil {
			return err
		}
		digest := vercel.Digest(content)
		files = append(files, vercel.File{Path: path, Digest: digest, Size: len(content)})
		contents[digest] = content
		return nil
	})
	if err != nil {
		return nil, nil, &fault.Error{Code: fault.Unavailable, Text: "the release's files can't be read", Err: err}
	}
	return files, contents, nil
}

// Await waits until the deployment is live: built, and assigned to the host name. It only reads.
func Await(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		entry, err := run.Ledger(ctx, fleet.VercelDeployment, run.Operation.ID)
		if err != nil {
			return err
		}
		return run.Poll(ctx, "the deployment", func(ctx context.Context) (bool, error) {
			dep, err := d.Vercel.Deployment(ctx, entry.ID)
			switch {
			case err != nil:
				return false, err
			case dep.ReadyState == "ERROR" || dep.ReadyState == "CANCELED" || dep.ReadyState == "BLOCKED":
				return false, fault.New(fault.Rejected, "the deployment ended as %s", dep.ReadyState)
			case dep.AliasError != "":
				return false, fault.New(fault.Rejected, "the deployment could not be assigned to its host name")
			}
			return dep.ReadyState == "READY" && dep.AliasAssigned, nil
		})
	}
}
