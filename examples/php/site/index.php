<?php
// A PHP site that keeps what visitors upload in a folder that outlives releases, as WordPress does.
$uploads = __DIR__ . '/wp-content/uploads';

if ($_SERVER['REQUEST_METHOD'] === 'POST' && isset($_FILES['file'])) {
    $name = bin2hex(random_bytes(8)) . '-' . preg_replace('/[^A-Za-z0-9._-]+/', '_', basename($_FILES['file']['name']));
    if (!move_uploaded_file($_FILES['file']['tmp_name'], "$uploads/$name")) {
        http_response_code(500);
        exit;
    }
    header('Content-Type: application/json');
    echo json_encode(['path' => "/wp-content/uploads/$name"], JSON_UNESCAPED_SLASHES);
    exit;
}
$files = array_diff(scandir($uploads), ['.', '..', '.gitkeep']);
?>
<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<title>PHP</title>
<link rel="stylesheet" href="/assets/site.css">
<body>
<h1><?= htmlspecialchars(getenv('GREETING') ?: '你好') ?></h1>
<p><?= count($files) ?> 个文件</p>
</body>
</html>
