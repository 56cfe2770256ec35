// In the mini-program: log in once, send the token with everything.
const HOST = "api.example.cn";

function login() {
  return new Promise((resolve, reject) => {
    wx.login({
      success: ({ code }) => wx.request({
        url: `https://${HOST}/login`,
        method: "POST",
        data: { code },
        success: ({ statusCode, data }) => {
          if (statusCode !== 200) return reject(new Error(data.error));
          wx.setStorageSync("token", data.token);
          resolve(data.token);
        },
        fail: reject,
      }),
      fail: reject,
    });
  });
}

const header = () => ({ Authorization: `Bearer ${wx.getStorageSync("token")}` });

module.exports = {
  login,
  me: (success) => wx.request({ url: `https://${HOST}/me`, header: header(), success }),
  connect: () => wx.connectSocket({ url: `wss://${HOST}/ws/`, header: header() }),
  upload: (filePath, success) =>
    wx.uploadFile({ url: `https://${HOST}/upload/`, filePath, name: "file", header: header(), success }),
  download: (id, success) => wx.downloadFile({ url: `https://${HOST}/download/${id}`, header: header(), success }),
};
