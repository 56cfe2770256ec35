// pulumi-resource-tencentcloud: the upstream Terraform provider behind Pulumi's
// bridge, for machines that can't download the published plugin.
module luodi/engine/provider

go 1.26

require (
	github.com/pulumi/pulumi-terraform-bridge/v3 v3.118.0
	github.com/pulumi/pulumi/sdk/v3 v3.209.0
	github.com/tencentcloudstack/terraform-provider-tencentcloud v1.82.10
)

require (
	cloud.google.com/go v0.112.1 // indirect
	cloud.google.com/go/compute/metadata v0.7.0 // indirect
	cloud.google.com/go/iam v1.1.6 // indirect
	cloud.google.com/go/storage v1.39.1 // indirect
	dario.cat/mergo v1.0.0 // indirect
	github.com/BurntSushi/toml v1.2.1 // indirect
	github.com/Masterminds/goutils v1.1.1 // indirect
	github.com/Masterminds/semver v1.5.0 // indirect
	github.com/Masterminds/semver/v3 v3.2.0 // indirect
	github.com/Masterminds/sprig/v3 v3.2.3 // indirect
	github.com/Microsoft/go-winio v0.6.2 // indirect
	github.com/ProtonMail/go-crypto v1.1.6 // indirect
	github.com/aead/chacha20 v0.0.0-20180709150244-8b13a72661da // indirect
	github.com/agext/levenshtein v1.2.3 // indirect
	github.com/apparentlymart/go-cidr v1.1.0 // indirect
	github.com/apparentlymart/go-textseg/v15 v15.0.0 // indirect
	github.com/armon/go-radix v1.0.0 // indirect
	github.com/atotto/clipboard v0.1.4 // indirect
	github.com/aws/aws-sdk-go v1.50.36 // indirect
	github.com/aymanbagabas/go-osc52/v2 v2.0.1 // indirect
	github.com/beevik/etree v1.2.0 // indirect
	github.com/bgentry/go-netrc v0.0.0-20140422174119-9fd32a8b3d3d // indirect
	github.com/bgentry/speakeasy v0.1.0 // indirect
	github.com/blang/semver v3.5.1+incompatible // indirect
	github.com/charmbracelet/bubbles v0.16.1 // indirect
	github.com/charmbracelet/bubbletea v0.25.0 // indirect
	github.com/charmbracelet/lipgloss v0.7.1 // indirect
	github.com/cheggaaa/pb v1.0.29 // indirect
	github.com/clbanning/mxj v1.8.4 // indirect
	github.com/cloudflare/circl v1.6.1 // indirect
	github.com/containerd/console v1.0.4-0.20230313162750-1ae8d489ac81 // indirect
	github.com/cyphar/filepath-securejoin v0.4.1 // indirect
	github.com/deckarep/golang-set/v2 v2.5.0 // indirect
	github.com/djherbis/times v1.5.0 // indirect
	github.com/edsrzf/mmap-go v1.1.0 // indirect
	github.com/emirpasic/gods v1.18.1 // indirect
	github.com/ettle/strcase v0.1.1 // indirect
	github.com/fatih/color v1.16.0 // indirect
	github.com/felixge/httpsnoop v1.0.4 // indirect
	github.com/go-git/gcfg v1.5.1-0.20230307220236-3a3c6141e376 // indirect
	github.com/go-git/go-billy/v5 v5.6.2 // indirect
	github.com/go-git/go-git/v5 v5.16.0 // indirect
	github.com/go-logr/logr v1.4.3 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/glog v1.2.5 // indirect
	github.com/golang/groupcache v0.0.0-20241129210726-2c02b8208cf8 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/google/go-querystring v1.1.0 // indirect
	github.com/google/gofuzz v1.2.0 // indirect
	github.com/google/s2a-go v0.1.7 // indirect
	github.com/google/shlex v0.0.0-20191202100458-e7afc7fbc510 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/googleapis/enterprise-certificate-proxy v0.3.2 // indirect
	github.com/googleapis/gax-go/v2 v2.12.2 // indirect
	github.com/grpc-ecosystem/grpc-opentracing v0.0.0-20180507213350-8e809c8a8645 // indirect
	github.com/hashicorp/errwrap v1.1.0 // indirect
	github.com/hashicorp/go-checkpoint v0.5.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-cty v1.5.0 // indirect
	github.com/hashicorp/go-getter v1.7.9 // indirect
	github.com/hashicorp/go-hclog v1.6.3 // indirect
	github.com/hashicorp/go-multierror v1.1.1 // indirect
	github.com/hashicorp/go-plugin v1.7.0 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.7 // indirect
	github.com/hashicorp/go-safetemp v1.0.0 // indirect
	github.com/hashicorp/go-uuid v1.0.3 // indirect
	github.com/hashicorp/go-version v1.7.0 // indirect
	github.com/hashicorp/hc-install v0.9.2 // indirect
	github.com/hashicorp/hcl v1.0.0 // indirect
	github.com/hashicorp/hcl/v2 v2.24.0 // indirect
	github.com/hashicorp/hil v0.0.0-20190212132231-97b3a9cdfa93 // indirect
	github.com/hashicorp/logutils v1.0.0 // indirect
	github.com/hashicorp/terraform-exec v0.24.0 // indirect
	github.com/hashicorp/terraform-json v0.27.1 // indirect
	github.com/hashicorp/terraform-plugin-go v0.29.0 // indirect
	github.com/hashicorp/terraform-plugin-log v0.9.0 // indirect
	github.com/hashicorp/terraform-plugin-sdk/v2 v2.33.0 // indirect
	github.com/hashicorp/terraform-registry-address v0.4.0 // indirect
	github.com/hashicorp/terraform-svchost v0.1.1 // indirect
	github.com/hashicorp/yamux v0.1.2 // indirect
	github.com/huandu/xstrings v1.3.3 // indirect
	github.com/iancoleman/strcase v0.3.0 // indirect
	github.com/imdario/mergo v0.3.15 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jbenet/go-context v0.0.0-20150711004518-d14ea06fba99 // indirect
	github.com/jmespath/go-jmespath v0.4.0 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/kevinburke/ssh_config v1.2.0 // indirect
	github.com/klauspost/compress v1.16.7 // indirect
	github.com/lucasb-eyer/go-colorful v1.2.0 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/mattn/go-localereader v0.0.1 // indirect
	github.com/mattn/go-runewidth v0.0.15 // indirect
	github.com/mitchellh/cli v1.1.5 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/go-homedir v1.1.0 // indirect
	github.com/mitchellh/go-ps v1.0.0 // indirect
	github.com/mitchellh/go-testing-interface v1.14.1 // indirect
	github.com/mitchellh/go-wordwrap v1.0.1 // indirect
	github.com/mitchellh/hashstructure v1.0.0 // indirect
	github.com/mitchellh/mapstructure v1.5.0 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.2 // indirect
	github.com/mozillazg/go-httpheader v0.4.0 // indirect
	github.com/muesli/ansi v0.0.0-20230316100256-276c6243b2f6 // indirect
	github.com/muesli/cancelreader v0.2.2 // indirect
	github.com/muesli/reflow v0.3.0 // indirect
	github.com/muesli/termenv v0.15.2 // indirect
	github.com/natefinch/atomic v1.0.1 // indirect
	github.com/oklog/run v1.1.0 // indirect
	github.com/olekukonko/tablewriter v0.0.5 // indirect
	github.com/opentracing/basictracer-go v1.1.0 // indirect
	github.com/opentracing/opentracing-go v1.2.0 // indirect
	github.com/pgavlin/fx v0.1.6 // indirect
	github.com/pgavlin/fx/v2 v2.0.10 // indirect
	github.com/pgavlin/goldmark v1.1.33-0.20200616210433-b5eb04559386 // indirect
	github.com/pjbgf/sha1cd v0.3.2 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/pkg/term v1.1.0 // indirect
	github.com/posener/complete v1.2.3 // indirect
	github.com/pulumi/appdash v0.0.0-20231130102222-75f619a67231 // indirect
	github.com/pulumi/esc v0.20.0 // indirect
	github.com/pulumi/inflector v0.2.1 // indirect
	github.com/pulumi/pulumi-java/pkg v1.12.0 // indirect
	github.com/pulumi/pulumi-yaml v1.19.1 // indirect
	github.com/pulumi/pulumi/pkg/v3 v3.209.0 // indirect
	github.com/pulumi/schema-tools v0.1.2 // indirect
	github.com/pulumi/terraform-diff-reader v0.0.2 // indirect
	github.com/rivo/uniseg v0.4.4 // indirect
	github.com/rogpeppe/go-internal v1.14.1 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	github.com/sabhiram/go-gitignore v0.0.0-20210923224102-525f6e181f06 // indirect
	github.com/santhosh-tekuri/jsonschema/v5 v5.0.0 // indirect
	github.com/segmentio/asm v1.1.3 // indirect
	github.com/segmentio/encoding v0.3.5 // indirect
	github.com/sergi/go-diff v1.4.0 // indirect
	github.com/shopspring/decimal v1.3.1 // indirect
	github.com/skeema/knownhosts v1.3.1 // indirect
	github.com/spf13/afero v1.10.0 // indirect
	github.com/spf13/cast v1.5.0 // indirect
	github.com/spf13/cobra v1.10.1 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/teekennedy/goldmark-markdown v0.3.0 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go-intl-en v3.0.1214+incompatible // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/antiddos v1.0.799 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/api v1.0.285 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/apigateway v1.0.763 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/apm v1.0.825 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/as v1.0.1164 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/bi v1.0.824 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cam v1.0.1071 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cat v1.0.825 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cbs v1.0.1153 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cdb v1.0.944 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cdc v1.0.1149 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cdn v1.0.1010 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cdwch v1.0.1129 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cdwdoris v1.0.993 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cdwpg v1.0.1126 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cfs v1.0.627 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cfw v1.0.1018 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/chdfs v1.0.600 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/ciam v1.0.695 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/ckafka v1.0.1073 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/clb v1.0.1107 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cloudaudit v1.0.1033 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cls v1.0.1148 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common v1.3.34 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/controlcenter v1.0.993 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/csip v1.0.860 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cvm v1.0.1153 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cwp v1.0.762 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cynosdb v1.0.1161 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/dasb v1.0.970 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/dayu v1.0.335 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/dbbrain v1.0.652 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/dc v1.0.633 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/dcdb v1.0.673 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/dlc v1.0.797 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/dnspod v1.0.1056 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/domain v1.0.414 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/dts v1.0.628 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/eb v1.0.760 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/emr v1.0.1115 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/es v1.0.777 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/gaap v1.0.970 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/gwlb v1.0.1127 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/kms v1.0.1145 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/lighthouse v1.0.729 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/live v1.0.777 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/mariadb v1.0.672 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/mongodb v1.0.1096 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/monitor v1.0.1149 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/mps v1.0.853 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/mqtt v1.0.1136 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/oceanus v1.0.831 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/organization v1.0.1038 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/postgres v1.0.1156 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/privatedns v1.0.1038 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/pts v1.0.762 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/redis v1.0.1008 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/region v1.0.920 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/rum v1.0.744 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/scf v1.0.1034 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/ses v1.0.748 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/sms v1.0.486 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/sqlserver v1.0.1136 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/ssl v1.0.1015 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/ssm v1.0.691 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/sts v1.0.1142 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tag v1.0.860 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tat v1.0.634 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tcaplusdb v1.0.199 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tcm v1.0.547 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tcr v1.0.1142 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tcss v1.0.1031 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tdcpg v1.0.533 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tdmq v1.0.955 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tem v1.0.578 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/teo v1.0.1182 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/thpc v1.0.998 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tke v1.0.1196 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/trocket v1.0.947 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tse v1.0.857 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tsf v1.0.674 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vod v1.0.860 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc v1.0.1154 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/waf v1.0.1170 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/wedata v1.0.792 // indirect
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/wss v1.0.199 // indirect
	github.com/tencentyun/cos-go-sdk-v5 v0.7.66 // indirect
	github.com/texttheater/golang-levenshtein v1.0.1 // indirect
	github.com/tidwall/gjson v1.17.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/uber/jaeger-client-go v2.30.0+incompatible // indirect
	github.com/uber/jaeger-lib v2.4.1+incompatible // indirect
	github.com/ulikunitz/xz v0.5.15 // indirect
	github.com/vmihailenco/msgpack v4.0.4+incompatible // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	github.com/wI2L/jsondiff v0.3.0 // indirect
	github.com/xanzy/ssh-agent v0.3.3 // indirect
	github.com/yangwenmai/ratelimit v0.0.0-20180104140304-44221c2292e1 // indirect
	github.com/yuin/goldmark v1.7.13 // indirect
	github.com/zclconf/go-cty v1.17.0 // indirect
	go.opencensus.io v0.24.0 // indirect
	go.opentelemetry.io/auto/sdk v1.1.0 // indirect
	go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc v0.49.0 // indirect
	go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp v0.49.0 // indirect
	go.opentelemetry.io/otel v1.37.0 // indirect
	go.opentelemetry.io/otel/metric v1.37.0 // indirect
	go.opentelemetry.io/otel/trace v1.37.0 // indirect
	go.uber.org/atomic v1.9.0 // indirect
	golang.org/x/crypto v0.45.0 // indirect
	golang.org/x/exp v0.0.0-20250718183923-645b1fa84792 // indirect
	golang.org/x/mod v0.29.0 // indirect
	golang.org/x/net v0.47.0 // indirect
	golang.org/x/oauth2 v0.30.0 // indirect
	golang.org/x/sync v0.18.0 // indirect
	golang.org/x/sys v0.38.0 // indirect
	golang.org/x/term v0.37.0 // indirect
	golang.org/x/text v0.31.0 // indirect
	golang.org/x/time v0.5.0 // indirect
	golang.org/x/tools v0.38.0 // indirect
	google.golang.org/api v0.169.0 // indirect
	google.golang.org/appengine v1.6.8 // indirect
	google.golang.org/genproto v0.0.0-20240311173647-c811ad7063a7 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20250707201910-8d1bb00bc6a7 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20250707201910-8d1bb00bc6a7 // indirect
	google.golang.org/grpc v1.75.1 // indirect
	google.golang.org/protobuf v1.36.9 // indirect
	gopkg.in/inf.v0 v0.9.1 // indirect
	gopkg.in/warnings.v0 v0.1.2 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
	k8s.io/apimachinery v0.22.4 // indirect
	k8s.io/klog/v2 v2.100.1 // indirect
	lukechampine.com/frand v1.4.2 // indirect
	sigs.k8s.io/structured-merge-diff/v4 v4.2.3 // indirect
)

replace (
	// The bridge is written against Pulumi's fork of the plugin SDK.
	github.com/hashicorp/terraform-plugin-sdk/v2 => github.com/pulumi/terraform-plugin-sdk/v2 v2.0.0-20250923233607-7f1981c8674a
	// Renamed upstream. Nothing here compiles them, but old requirements name them while the
	// module graph is read, and the module proxy doesn't serve the old paths.
	github.com/lyft/protoc-gen-validate => github.com/envoyproxy/protoc-gen-validate v0.6.7
	nhooyr.io/websocket => github.com/coder/websocket v1.8.7
)

// Versions of Tencent's SDK that the upstream provider asks for (left) and that the module proxy
// doesn't serve, with the nearest version that it serves (right). The SDK is generated from the
// API's definition: one module for each service, and newer versions add fields and actions. None
// of the services below is among those that info/info.go keeps (of the international SDK, the
// provider takes only reserved instances, private zones and media live), so that what luodi calls
// is compiled from the very versions upstream names.
replace (
	github.com/tencentcloud/tencentcloud-sdk-go-intl-en v3.0.1214+incompatible => github.com/tencentcloud/tencentcloud-sdk-go-intl-en v3.0.1320+incompatible
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/as v1.0.1164 => github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/as v1.3.16
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cynosdb v1.0.1161 => github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/cynosdb v1.3.32
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/mqtt v1.0.1136 => github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/mqtt v1.3.7
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tcr v1.0.1142 => github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tcr v1.3.16
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/teo v1.0.1182 => github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/teo v1.3.21
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tke v1.0.1196 => github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/tke v1.3.34
	github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/waf v1.0.1170 => github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/waf v1.1.36
)
