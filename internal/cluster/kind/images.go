package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"

	"github.com/stagegate/stagegate/internal/cluster"
)

// LoadImages carries images of the local engine into every node.
func (p *Provider) LoadImages(ctx context.Context, name string, images []string, progress cluster.Progress) error {
	s, err := p.open(ctx, name, progress)
	if err != nil {
		return err
	}
	defer s.unlock()
	for _, image := range images {
		if err := s.loadImage(ctx, image); err != nil {
			return fmt.Errorf("loading image %s into kind cluster %s: %w", image, s.name, err)
		}
	}
	return nil
}

// LoadLocalImages is LoadImages for those of the images that the local engine has built
// itself: never pushed or pulled, so no node could pull them. It returns those.
func (p *Provider) LoadLocalImages(ctx context.Context, name string, images []string, progress cluster.Progress) ([]string, error) {
	e, err := detectEngine(ctx)
	if err != nil {
		return nil, err
	}
	var local []string
	for _, image := range images {
		digests, err := e.run(ctx, "image", "inspect", "--format", "{{len .RepoDigests}}", image)
		if err == nil && strings.TrimSpace(digests) == "0" {
			local = append(local, image)
		}
	}
	if len(local) == 0 {
		return nil, ctx.Err()
	}
	return local, p.LoadImages(ctx, name, local, progress)
}

func (s *session) loadImage(ctx context.Context, image string) error {
	file, err := os.CreateTemp("", "stagegate-image-*.tar")
	if err != nil {
		return err
	}
	path := file.Name()
	defer os.Remove(path)
	if err := file.Close(); err != nil {
		return err
	}
	if _, err := s.engine.run(ctx, "save", "--output", path, image); err != nil {
		return fmt.Errorf("%w: pull or build the image first", err)
	}
	return s.eachNode(ctx, func(node nodes.Node) error {
		return s.loadInto(node, image, func() (io.ReadCloser, error) { return os.Open(path) })
	})
}

// LoadArchive carries an image archive (as "docker save" writes it) into every node that
// does not have the image of that reference yet. References must name content, as a
// digest or a tag that is never moved does.
func (p *Provider) LoadArchive(ctx context.Context, name, image string, archive func() (io.ReadCloser, error), progress cluster.Progress) error {
	s, err := p.open(ctx, name, progress)
	if err != nil {
		return err
	}
	defer s.unlock()
	err = s.eachNode(ctx, func(node nodes.Node) error {
		if _, err := nodeutils.ImageID(node, image); err == nil {
			return nil
		}
		return s.loadInto(node, image, archive)
	})
	if err != nil {
		return fmt.Errorf("loading image %s into kind cluster %s: %w", image, s.name, err)
	}
	return nil
}

func (s *session) eachNode(ctx context.Context, do func(nodes.Node) error) error {
	all, err := s.kind.ListInternalNodes(s.name)
	if err != nil {
		return s.engine.explain(fmt.Errorf("listing its nodes: %w", err))
	}
	if len(all) == 0 {
		return errors.New("there is no such cluster")
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, node := range all {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(node)
		})
	}
	return group.Wait()
}

func (s *session) loadInto(node nodes.Node, image string, archive func() (io.ReadCloser, error)) error {
	content, err := archive()
	if err != nil {
		return err
	}
	defer content.Close()
	s.progress("loading image %s into node %s", image, node)
	if err := nodeutils.LoadImageArchive(node, content); err != nil {
		return s.engine.explain(fmt.Errorf("node %s: %w", node, err))
	}
	return nil
}
