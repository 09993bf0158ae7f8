// Package topic hands incidents to the people on call by an SNS topic.
package topic

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
)

// patience is how long one call may take, its retries included.
const patience = 10 * time.Second

// maxSubject is the longest subject that SNS takes.
const maxSubject = 100

// Open puts Publish into env.
func Open(p onaws.Parts, env *step.Env) {
	env.Publish = topic{sns.NewFromConfig(p.AWS).Publish, p.Clock, p.Config.IncidentTopic}.publish
}

// topic holds an operation, not the client, as package onaws does.
type topic struct {
	call  func(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	clock clock.Clock
	arn   string
}

func (t topic) publish(ctx context.Context, subject, text string) error {
	ctx, cancel := t.clock.WithTimeout(ctx, patience)
	defer cancel()
	_, err := t.call(ctx, &sns.PublishInput{TopicArn: aws.String(t.arn), Subject: aws.String(line(subject)), Message: aws.String(text)})
	if err != nil {
		return onaws.Failed("Publish", err)
	}
	return nil
}

// line is text as SNS takes a subject: printable ASCII, of at most 100 characters.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), maxSubject)]
}
