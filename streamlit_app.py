"""Page configuration, navigation and the frame around every page; nothing else."""

import streamlit as st

from app import session

st.set_page_config(page_title="Sarhad", page_icon=session.ICON, layout="wide")
st.logo(session.MARK, size="large")

pages = {
    "": [
        st.Page("app/pages/home.py", title="Home", default=True),
        st.Page("app/pages/explore.py", title="Explore", url_path="explore"),
        st.Page("app/pages/trends.py", title="Trends", url_path="trends"),
    ],
    "Study": [
        st.Page("app/pages/compare.py", title="Compare", url_path="compare"),
        st.Page("app/pages/chain.py", title="Chain", url_path="chain"),
        st.Page("app/pages/effects.py", title="Effects", url_path="effects"),
        st.Page("app/pages/drivers.py", title="Drivers", url_path="drivers"),
        st.Page("app/pages/results.py", title="Results", url_path="results"),
        st.Page("app/pages/items.py", title="Items", url_path="items"),
        st.Page("app/pages/what_if.py", title="What if", url_path="what-if"),
        st.Page("app/pages/soundness.py", title="Soundness", url_path="soundness"),
        st.Page("app/pages/context.py", title="Context", url_path="context"),
    ],
}
if not session.stands_alone():  # a bundle has no answers behind it, and takes none
    pages["Data"] = [
        st.Page("app/pages/upload.py", title="Upload", url_path="upload"),
        st.Page("app/pages/releases.py", title="Releases", url_path="releases"),
        st.Page("app/pages/withdraw.py", title="Withdraw", url_path="withdraw"),
    ]
page = st.navigation(pages, position="top")

with session.frame():
    page.run()
