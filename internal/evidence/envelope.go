package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/stagegate/stagegate/internal/change"
)

// maxBundle is the size in bytes of the largest bundle that is read.
const maxBundle = 64 << 20

// seal makes the bundle of a record.
func seal(ctx context.Context, key dsse.Signer, r Record) ([]byte, error) {
	signer, err := dsse.NewEnvelopeSigner(key)
	if err != nil {
		return nil, err
	}
	checks, err := r.checksStatement()
	if err != nil {
		return nil, err
	}
	first, err := envelope(ctx, signer, checks)
	if err != nil {
		return nil, err
	}
	verdict, err := r.summaryStatement(digestOf(first))
	if err != nil {
		return nil, err
	}
	second, err := envelope(ctx, signer, verdict)
	if err != nil {
		return nil, err
	}
	return bundleOf(first, second), nil
}

func bundleOf(lines ...[]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }

func envelope(ctx context.Context, signer *dsse.EnvelopeSigner, payload []byte) ([]byte, error) {
	e, err := signer.SignPayload(ctx, PayloadType, payload)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return json.Marshal(e)
}

// bundle is a record's two envelopes with their payloads.
type bundle struct {
	lines    [2][]byte
	envelope [2]dsse.Envelope
	payload  [2][]byte
}

// parseBundle reads the form that is written here and no other, so that one record has
// one form, whose every bit counts.
func parseBundle(content []byte) (*bundle, error) {
	if len(content) > maxBundle {
		return nil, fmt.Errorf("the record is larger than %d bytes", maxBundle)
	}
	body, whole := bytes.CutSuffix(content, []byte("\n"))
	lines := bytes.Split(body, []byte("\n"))
	if !whole || len(lines) != 2 {
		return nil, errors.New("a record is two lines, each a DSSE envelope: it is cut off, or no record")
	}
	b := &bundle{}
	for i, line := range lines {
		b.lines[i] = line
		if err := json.Unmarshal(line, &b.envelope[i]); err != nil {
			return nil, fmt.Errorf("line %d is no DSSE envelope: %w", i+1, err)
		}
		if canonical, err := json.Marshal(b.envelope[i]); err != nil || !bytes.Equal(canonical, line) {
			return nil, fmt.Errorf("line %d is not a DSSE envelope as stagegate writes it: it was altered or written anew", i+1)
		}
		payload, err := decode(b.envelope[i])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		b.payload[i] = payload
	}
	return b, nil
}

// decode is the payload of an envelope whose base64 has one form alone (RFC 4648, 3.5);
// the DSSE library is less strict.
func decode(e dsse.Envelope) ([]byte, error) {
	strict := base64.StdEncoding.Strict()
	for _, s := range e.Signatures {
		if _, err := strict.DecodeString(s.Sig); err != nil {
			return nil, fmt.Errorf("decoding signature: %w", err)
		}
	}
	payload, err := strict.DecodeString(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("decoding payload: %w", err)
	}
	return payload, nil
}

// contents are the statements and predicates of a bundle.
type contents struct {
	checks, verdict statement
	result          testResult
	summary         summary
}

// statements decodes the payloads without judging them. Unknown fields are tolerated, as
// in-toto's parsing rules ask for.
func (b *bundle) statements() (*contents, error) {
	var c contents
	for _, part := range []struct {
		payload   []byte
		statement *statement
		predicate any
	}{{b.payload[0], &c.checks, &c.result}, {b.payload[1], &c.verdict, &c.summary}} {
		if err := json.Unmarshal(part.payload, part.statement); err != nil {
			return nil, fmt.Errorf("reading statement: %w", err)
		}
		if err := json.Unmarshal(part.statement.Predicate, part.predicate); err != nil {
			return nil, fmt.Errorf("reading predicate %s: %w", part.statement.PredicateType, err)
		}
	}
	return &c, nil
}

func digestOf(content []byte) change.Digest {
	sum := sha256.Sum256(content)
	return change.Digest("sha256:" + hex.EncodeToString(sum[:]))
}
